"""The groupings: which row each image is in, and the order of the rows."""

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import parse_finding
from cxrlib.errors import SelectionError
from cxrlib.summary import GROUPINGS
from cxrlib.summary.groupings import part_images


def make_table(findings: list[str | None]) -> pd.DataFrame:
    """Make the columns that groupings read."""
    n = len(findings)
    parsed = [parse_finding(finding or "") for finding in findings]
    columns = {
        "finding": findings,
        "finding_type": [each.kind for each in parsed],
        "finding_genus": [each.genus for each in parsed],
        "view": [("L", "PA", None, "AP Erect", "Odd")[i % 5] for i in range(n)],
        "region": [("Unknown", "Europe", "Asia")[i % 3] for i in range(n)],
        "sub_region": [("Unknown", "Western Europe", "Eastern Asia")[i % 3] for i in range(n)],
        "country": [("Unknown", "France", "China")[i % 3] for i in range(n)],
        "source": [(None, "a.org", "b.org", "b.org")[i % 4] for i in range(n)],
        "article": [(None, "10.1/a", "10.1/b", "10.1/b")[i % 4] for i in range(n)],
    }
    return pd.DataFrame({name: pd.array(values, dtype="str") for name, values in columns.items()})


FINDINGS = [
    *["Pneumonia/Viral/COVID-19"] * 3,
    *["Pneumonia/Bacterial/Klebsiella"] * 2,
    *["Pneumonia/Bacterial", "Pneumonia", "Pneumonia/Lipoid", "todo", "Tuberculosis", None],
    *["No Finding"] * 4,
    "Pneumonia/Viral/Influenza/H1N1",
]


@pytest.mark.parametrize("by", list(GROUPINGS))
def test_every_image_is_in_one_row_of_its_own_values(by: str) -> None:
    """Rows are unique, codes point at the row whose labels the image has."""
    table = make_table(FINDINGS)
    groups = part_images(table, by)
    assert groups.labels["row"].is_unique
    assert len(groups.codes) == len(table)
    shown = groups.labels.iloc[groups.codes].reset_index(drop=True)
    for level in set(GROUPINGS[by].levels) - {"finding", "type", "genus"}:
        assert (shown[level] == table[level].fillna("not recorded")).all()


def test_findings_stand_as_in_table_1() -> None:
    """Pneumonia first, types by count, unknown levels last, unusable findings at the end."""
    rows = part_images(make_table(FINDINGS), "finding").labels["row"].tolist()
    assert rows == [
        "Pneumonia/Viral/COVID-19",
        "Pneumonia/Viral/Influenza",
        "Pneumonia/Bacterial/Klebsiella",
        "Pneumonia/Bacterial/Unknown",
        "Pneumonia/Lipoid/Not applicable",
        "Pneumonia/Unknown/Unknown",
        "No Finding",
        "Tuberculosis",
        "not recorded",
        "todo",
    ]


def test_rows_of_pneumonia_have_their_counts() -> None:
    """H1N1 counts with influenza, types without a genus as unknown or, if lipoid, without one."""
    groups = part_images(make_table(FINDINGS), "finding")
    counts = dict(zip(groups.labels["row"], np.bincount(groups.codes).tolist(), strict=True))
    pneumonia = {row: n for row, n in counts.items() if row.startswith("Pneumonia/")}
    assert pneumonia == {
        "Pneumonia/Viral/COVID-19": 3,
        "Pneumonia/Viral/Influenza": 1,
        "Pneumonia/Bacterial/Klebsiella": 2,
        "Pneumonia/Bacterial/Unknown": 1,
        "Pneumonia/Lipoid/Not applicable": 1,
        "Pneumonia/Unknown/Unknown": 1,
    }


def test_orders_put_what_is_not_recorded_last() -> None:
    """Views in their known order, sources by count, Unknown and not recorded at the end."""
    table = make_table(FINDINGS)
    views = part_images(table, "view").labels["row"].tolist()
    assert views == ["PA", "AP Erect", "L", "Odd", "not recorded"]
    assert part_images(table, "source").labels["row"].tolist() == ["b.org", "a.org", "not recorded"]
    assert part_images(table, "region").labels["row"].tolist() == ["Asia", "Europe", "Unknown"]


def test_finding_by_view_has_every_pair() -> None:
    """Empty cells of the crossing are rows too."""
    table = make_table(FINDINGS)
    crossed = part_images(table, "finding-view").labels
    n_findings = len(part_images(table, "finding").labels)
    assert len(crossed) == n_findings * table["view"].fillna("").nunique()
    assert "Tuberculosis, Odd" in set(crossed["row"])


def test_names_that_read_alike_are_told_apart() -> None:
    """A comma in a finding or a view makes no two rows one; others keep their names."""
    table = make_table(["A", "A, B", "A, B, C (2)"])
    table["view"] = pd.array(["B, C", "C", "C"], dtype="str")
    groups = part_images(table, "finding-view")
    assert groups.labels["row"].is_unique
    names = groups.labels["row"].iloc[groups.codes].tolist()
    assert sorted(names[:2]) == ["A, B, C", "A, B, C (2)"]
    assert names[2] == "A, B, C (2), C"
    shown = groups.labels.iloc[groups.codes]
    assert shown["view"].tolist() == ["B, C", "C", "C"]


def test_no_images_make_no_rows() -> None:
    """An empty table keeps its columns."""
    for by, grouping in GROUPINGS.items():
        groups = part_images(make_table([]), by)
        assert groups.labels.columns.tolist() == ["row", *grouping.levels]
        assert len(groups.labels) == len(groups.codes) == 0


def test_an_unknown_grouping_is_refused() -> None:
    """The message lists what there is."""
    with pytest.raises(SelectionError, match=r"'hospital'.*sub-region"):
        part_images(make_table([]), "hospital")
