"""States: good, bad, unknown; and which image is the last."""

import itertools

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import FRONTAL_VIEWS, load_cohort
from cxrlib.cohort.states import BAD_REASONS, GOOD_REASONS, find_last_images, label_states
from tests.cohort_factory import make_cohort


def make_table(*rows: tuple[str, float | None], view: str = "PA", **columns) -> pd.DataFrame:
    """Make the columns that states need: (patient_id, offset) a row."""
    table = pd.DataFrame(rows, columns=["patient_id", "offset"])
    table["offset"] = table["offset"].astype("Float64")
    table["view"] = view
    table["is_xray"] = True
    for name in ("in_icu", "intubation_present", "survival"):
        table[name] = columns.get(name, "not recorded")
    return table


def find_last_slowly(table: pd.DataFrame) -> list[str]:
    """Answer image by image, from the rule as it is written."""
    answers = []
    for i, image in table.iterrows():
        if not (image.is_xray and image["view"] in FRONTAL_VIEWS):
            answers.append("undefined")
            continue
        others = [
            other.offset
            for j, other in table.iterrows()
            if j != i
            and other.patient_id == image.patient_id
            and other.is_xray
            and other["view"] in FRONTAL_VIEWS
        ]
        day = image.offset
        if any(not pd.isna(o) and not pd.isna(day) and o > day for o in others):
            answers.append("no")
        elif all(not pd.isna(o) and not pd.isna(day) and o < day for o in others):
            answers.append("yes")
        else:
            answers.append("undefined")
    return answers


def test_last_image() -> None:
    """Days order images; ties and blanks do not."""
    table = make_table(
        *[("a", 0), ("a", 3)],
        *[("b", 0), ("b", 5), ("b", 5)],
        *[("c", None), ("c", None)],
        *[("d", None)],
        *[("e", 1), ("e", 4), ("e", None)],
    )
    last = find_last_images(table).tolist()
    assert last[:2] == ["no", "yes"]
    assert last[2:5] == ["no", "undefined", "undefined"]
    assert last[5:7] == ["undefined", "undefined"]
    assert last[7] == "yes"
    # The undated image could lie before or after day 4, but day 1 is surely not the last.
    assert last[8:] == ["no", "undefined", "undefined"]


def test_published_way_takes_every_image_of_the_latest_day() -> None:
    """Ties are all last, and an undated image is passed over."""
    table = make_table(("b", 0), ("b", 5), ("b", 5), ("e", 4), ("e", None))
    last = find_last_images(table, ties="all").tolist()
    assert last == ["no", "yes", "yes", "yes", "undefined"]
    with pytest.raises(ValueError, match="'first'"):
        find_last_images(table, ties="first")


def test_only_frontal_xrays_compete() -> None:
    """A later lateral or CT does not take the place, and has none."""
    table = make_table(("a", 0), ("a", 3), ("a", 4))
    table.loc[1, "view"] = "L"
    table.loc[2, "is_xray"] = False
    assert find_last_images(table).tolist() == ["yes", "undefined", "undefined"]


def test_against_slow_reference() -> None:
    """Random patients with ties, blanks and laterals, judged image by image."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        n_images = int(rng.integers(0, 25))
        days = [None if rng.random() < 0.2 else float(rng.integers(-2, 4)) for _ in range(n_images)]
        ids = [str(i) for i in rng.integers(0, 8, n_images)]
        table = make_table(*zip(ids, days, strict=True))
        table["view"] = rng.choice(["PA", "AP", "AP Supine", "L"], n_images)
        assert find_last_images(table).tolist() == find_last_slowly(table)


def test_row_order_changes_nothing() -> None:
    """Neither last images nor states depend on the order of rows."""
    table = make_table(("a", 0), ("a", 3), ("b", 1), ("b", 1), ("c", None), in_icu="yes")
    expected = label_states(table)
    for order in itertools.islice(itertools.permutations(range(5)), 0, None, 17):
        shuffled = label_states(table.iloc[list(order)])
        pd.testing.assert_frame_equal(shuffled.sort_index(), expected)


@pytest.mark.parametrize(
    ("in_icu", "tube", "survival", "state", "overlap", "reasons"),
    [
        ("yes", "yes", "not recorded", "bad", False, "in the ICU; intubated"),
        (
            "no",
            "no",
            "yes",
            "good",
            False,
            "; ".join(GOOD_REASONS),
        ),
        ("yes", "no", "not recorded", "bad", True, "in the ICU; not intubated"),
        ("not recorded", "not recorded", "no", "bad", False, "last image of a patient who died"),
        (
            "no",
            "not recorded",
            "no",
            "bad",
            True,
            f"{BAD_REASONS[2]}; not in the ICU",
        ),
        ("unclear", "unclear", "unclear", "unknown", False, ""),
        ("not recorded", "not recorded", "not recorded", "unknown", False, ""),
    ],
)
def test_state(in_icu, tube, survival, state, overlap, reasons) -> None:
    """Bad wins over good, and an overlap says why; blank means neither."""
    table = make_table(("a", 0), in_icu=in_icu, intubation_present=tube, survival=survival)
    labelled = label_states(table).iloc[0]
    assert labelled["state"] == state
    assert labelled["state_overlap"] == overlap
    assert labelled["state_reasons"] == reasons


def test_survival_marks_the_last_image_only() -> None:
    """A patient who died was not in a bad state all along."""
    table = make_table(("a", 0), ("a", 1), ("a", None), survival="no")
    assert label_states(table)["state"].tolist() == ["unknown", "unknown", "unknown"]
    table = make_table(("a", 0), ("a", 1), survival="no")
    assert label_states(table)["state"].tolist() == ["unknown", "bad"]


def test_states_of_no_rows() -> None:
    """An empty table has no states."""
    assert label_states(make_table()).empty


def test_selection_keeps_states(tmp_path) -> None:
    """An image does not become the last because a later one is left out."""
    rows = [{"patientid": "a", "offset": day, "survival": "N"} for day in (0, 3)]
    rows[1]["view"] = "AP"
    cohort = load_cohort(make_cohort(tmp_path, rows))
    assert cohort.select_views(["PA"]).table["state"].tolist() == ["unknown"]


def test_real_collection(real_root) -> None:
    """The counts in the module's docstring."""
    whole = load_cohort(real_root, inspect_images=False)
    usable = whole.select_frontal().select_usable_finding().table
    assert usable["state"].value_counts().to_dict() == {"unknown": 351, "good": 224, "bad": 122}
    assert int(usable["state_overlap"].sum()) == 18
    assert int((usable["is_last_image"] == "undefined").sum()) == 72
    reasons = usable.loc[usable["state_overlap"], "state_reasons"]
    assert (reasons.str.contains("in the ICU") & reasons.str.contains("not intubated")).sum() == 8
    assert reasons.str.contains("survivor").sum() == 8
    dead = usable[usable["survival"] == "no"]
    images = dead.groupby("patient_id").size()
    assert (len(images), int((images == 1).sum())) == (25, 9)

    published = label_states(whole.table, ties="all")
    rows = whole.table["image_id"].isin(usable["image_id"])
    overlaps = published[rows & published["state_overlap"]]
    assert len(overlaps) == 20
    assert overlaps["state_reasons"].str.contains("survivor").sum() == 10
