"""Problems are lines for people: what stands in a file cannot garble them."""

from cxrlib.cohort import ProblemLog
from cxrlib.cohort.input_problems import LONGEST_VALUE


def test_values_cannot_steer_a_terminal() -> None:
    """Control characters, direction marks and half surrogates are written as escapes."""
    problems = ProblemLog()
    problems.add("a.csv", "odd", "kept", column="x\n", value="\x1b[2J\u202e\ud800\x00é")
    line = problems.to_table().iloc[0]
    assert line["value"] == "\\x1b[2J\\u202e\\ud800\\x00é"
    assert line["column"] == "x\\n"


def test_long_values_are_cut() -> None:
    """A value of a million characters is not carried around."""
    problems = ProblemLog()
    problems.add("a.csv", "odd", "kept", value="x" * 1_000_000)
    problems.add("a.csv", "odd", "kept", value="\n" * 60)
    values = problems.to_table()["value"]
    assert values.str.len().tolist() == [LONGEST_VALUE] * 2
    assert values.str.endswith("…").all()
