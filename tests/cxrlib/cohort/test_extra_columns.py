"""Extra columns: nothing of metadata.csv is dropped, and the type follows one rule."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from cxrlib.cohort import (
    Cohort,
    format_plainly,
    load_cohort,
    quote_name,
    shorten_value,
    split_quoted,
    unquote_name,
)
from cxrlib.cohort.extra_columns import MAX_NAME, find_kind, name_extra
from tests.cohort_factory import HEADER, make_cohort

HOSTILE = [
    "<script>alert(1)</script>",
    "![x](http://example.org/x.png)",
    "a,b;c:d=e",
    'say "x"',
    "tab\tand\nline",
    "very long " * 30,
    "mean",
    "image_id",
    "$x_1$ *bold* `code`",
    "Größe λ",
]


def load(folder: Path, columns: dict[str, Sequence[object]]) -> Cohort:
    """Load a cohort without pictures, with columns beyond the known ones."""
    n_rows = len(next(iter(columns.values())))
    rows = [{name: cells[i] for name, cells in columns.items()} for i in range(n_rows)]
    root = make_cohort(folder / "c", rows, images={}, header=(*HEADER, *columns))
    return load_cohort(root, inspect_images=False)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["", "", "NA", "nan", "N/A", "null"], "empty"),
        (["yes", "No", "Y", "n", "TRUE", "false"], "yes/no"),
        (["yes", "unclear", "unknown", ""], "yes/no"),
        (["1", "0", "", "1"], "yes/no"),
        (["1", "1", "1"], "yes/no"),
        (["1", "0", "yes"], "category"),
        (["1", "2", "0"], "number"),
        (["1.5", "-2", ".5", "1e3", ""], "number"),
        (["1"] * 10 + ["2"] * 9 + ["high"], "number"),
        (["1"] * 10 + ["2"] * 8 + ["high", "low"], "category"),
        (["mild", "severe", "mild"], "category"),
        ([f"note {i}" for i in range(11)], "text"),
        ([f"ward {i % 20}" for i in range(40)], "category"),
        ([f"ward {i % 20}" for i in range(39)], "text"),
        ([f"ward {i % 51}" for i in range(510)], "text"),
        (["x" * 81, "y", "y"], "text"),
    ],
)
def test_find_kind_follows_the_documented_rule(tmp_path: Path, cells: list[str], kind: str) -> None:
    """The rule holds at its borders, and blanks are nothing, whatever the order."""
    (column,) = load(tmp_path, {"own": cells}).extra
    assert column.kind == kind
    blank = {"", "na", "nan", "n/a", "null"}
    cleaned = pd.Series(["" if cell.casefold() in blank else cell for cell in cells])
    assert find_kind(cleaned[::-1]) == kind


def test_load_cohort_keeps_and_types_extra_columns(tmp_path: Path) -> None:
    """Answers, numbers, categories and notes are there; a slip in a number is written down."""
    cohort = load(
        tmp_path,
        {
            "Later": ["1", "0", "", "1"] * 5,
            "crp": [*map(str, range(19)), "38,5"],
            "Remarks": [f"went home {i}" for i in range(20)],
        },
    )
    assert [(each.name, each.kind) for each in cohort.extra] == [
        ("Later", "yes/no"),
        ("crp", "number"),
        ("Remarks", "text"),
    ]
    table = cohort.table
    assert table["extra:Later"].tolist()[:4] == ["yes", "no", "not recorded", "yes"]
    assert table["extra:crp"].tolist()[:19] == list(range(19))
    assert pd.isna(table["extra:crp"].iloc[19])
    assert table["extra:Remarks"].iloc[3] == "went home 3"
    slip = cohort.problems[cohort.problems["column"].eq("crp") & cohort.problems["row"].notna()]
    assert slip[["row", "value", "problem"]].to_numpy().tolist() == [[21, "38,5", "not a number"]]
    kept = cohort.select(table["row"] < 5, "few")
    assert kept.table["extra:Later"].tolist() == ["yes", "no", "not recorded"]
    assert kept.extra == cohort.extra


def test_load_cohort_takes_hostile_names_and_drops_none(tmp_path: Path) -> None:
    """Each is one line of at most 80 signs and a number, distinct, and its values are there."""
    names = [*HOSTILE, HOSTILE[0], "known "]
    text = ",".join(
        '"' + name.replace('"', '""') + '"' for name in ["patientid", "filename", *names]
    )
    cells = ",".join(f"v{i}" for i in range(len(names)))
    root = make_cohort(tmp_path / "c", [{}], images={})
    (root / "metadata.csv").write_text(f"{text}\n1,a.png,{cells}\n2,b.png,{cells}\n", "utf-8")
    cohort = load_cohort(root, inspect_images=False)
    assert len({each.name for each in cohort.extra}) == len(cohort.extra) == len(names)
    values = [cohort.table[each.column].iloc[0] for each in cohort.extra]
    assert values == [f"v{i}" for i in range(len(names))]
    for each in cohort.extra:
        assert each.name.isprintable()
        assert len(each.name) <= MAX_NAME + 6
    assert cohort.extra[-2].name == f"{HOSTILE[0]} (2)"


@pytest.mark.parametrize("name", [*HOSTILE, "", " edge ", "'", "::", '""'])
def test_quote_name_reads_back(name: str) -> None:
    """Any name survives a line, also beside others."""
    assert unquote_name(quote_name(name)) == (name or "")
    line = ";".join([quote_name(name), "b", quote_name(name)])
    first, middle, last = split_quoted(line, ";")
    assert (unquote_name(first), middle, unquote_name(last)) == (name, "b", name)


@pytest.mark.parametrize("name", HOSTILE)
def test_format_plainly_leaves_no_markup(name: str) -> None:
    """What means something in Markdown, HTML or a chart's label is gone, and something is left."""
    plain = format_plainly(name)
    assert plain
    assert not set(plain) & set("<>[]{}*_`$|\\~&#!")
    assert len(plain) <= 60


def test_shorten_value_keeps_two_that_differ_apart() -> None:
    """Long values that begin alike stay two groups; a short one stays as it is."""
    first, second = ("ward " * 40 + end for end in "ab")
    assert shorten_value(first) != shorten_value(second)
    assert len(shorten_value(first)) <= 60
    assert shorten_value("Ward 3") == "Ward 3"


def test_name_extra_numbers_what_is_taken() -> None:
    """The second and third of a name are told apart."""
    taken: list[str] = []
    for _ in range(3):
        taken.append(name_extra("site", taken))
    assert taken == ["site", "site (2)", "site (3)"]
