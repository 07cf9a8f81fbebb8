"""planted.json may hold anything: what is read from it has the shape it is used in."""

import json

import pytest

from cxrlib.cohort import ProblemLog
from cxrlib.cohort.planted_truth import read_planted
from cxrlib.synthetic.records import simulate_courses
from cxrlib.synthetic.truth import describe_planted


def read(root, content: object):
    """Write a file and read it; give the content, whether it is synthetic, the problems."""
    (root / "planted.json").write_text(json.dumps(content), encoding="utf-8")
    problems = ProblemLog()
    return *read_planted(root, problems), problems.to_table()


def test_the_demo_is_read_as_it_was_written(tmp_path) -> None:
    """Everything the generator writes has the right shape."""
    written = json.loads(json.dumps(describe_planted(simulate_courses(seed=1, n_patients=24))))
    planted, is_synthetic, problems = read(tmp_path, written)
    assert (planted, is_synthetic, len(problems)) == (written, True, 0)


def test_no_file_is_a_real_cohort(tmp_path) -> None:
    """Without a file nothing was planted, and nothing is wrong."""
    problems = ProblemLog()
    assert read_planted(tmp_path, problems) == ({}, False)
    assert problems.to_table().empty


@pytest.mark.parametrize(
    ("part", "left", "column"),
    [
        *(({"story": wrong}, {}, "story") for wrong in ([], None, 3, "B", True)),
        *(
            ({"story": {"patients": wrong, "x": 1}}, {"story": {"x": 1}}, "story.patients")
            for wrong in (3, None, "B", {"B": 1}, [1], [["B"]], ["B", None])
        ),
        *(
            ({"story": {"captions": wrong}}, {"story": {}}, "story.captions")
            for wrong in ([], "words", {"1": 2}, {"1": None})
        ),
        *(({"name": wrong}, {}, "name") for wrong in ([], None, 3)),
        ({"planted": ["style"]}, {}, "planted"),
        ({"planted": {"style": "strong"}}, {"planted": {}}, "planted.style"),
        ({"planted": {"style": {"words": [1]}}}, {"planted": {"style": {}}}, "planted.style.words"),
    ],
)
def test_a_part_of_another_shape_is_left_out(tmp_path, part, left, column) -> None:
    """What has another shape goes, with a line that names it; the rest stays."""
    planted, is_synthetic, problems = read(tmp_path, {"seed": 3, **part})
    assert is_synthetic
    assert planted == {"seed": 3, **left}
    assert problems["column"].tolist() == [column]
    assert problems["action"].tolist() == ["left out"]
