"""The share of bad among the nearest of others: right, without leaks, and right in doubt."""

import numpy as np
import pandas as pd
import pytest

from cxrlib.embedding import lay_out_feature_space
from cxrlib.errors import SelectionError
from cxrlib.patients import describe_path_shares, path_shares, tabulate_shares
from cxrlib.patients.neighbour_states import count_by_person, estimate_interval
from tests.course_tables import find_shares, make_embeddings, make_table

STATES = ("good", "bad", "unknown")


def make_cohort(n_persons=80, per_person=4, *, seed=0, views=("PA", "AP"), n_sites=9):
    """Make persons with random images, states, articles and sites; some share a site."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(n_persons):
        site = f"site {rng.integers(n_sites)}"
        for k in range(per_person):
            day = None if rng.random() < 0.1 else float(rng.integers(0, 9))
            view = None if rng.random() < 0.05 else str(rng.choice(views))
            cells = {
                "state": str(rng.choice(STATES, p=[0.5, 0.3, 0.2])),
                "source": site if rng.random() < 0.9 else None,
                "article": f"article {person // 3}" if rng.random() < 0.9 else None,
            }
            rows.append((f"i{person}-{k}", f"p{person}", day, view, cells))
    values = rng.normal(size=(len(rows), 4))
    return make_table(rows), make_embeddings([row[0] for row in rows], values)


def slow_neighbours(table, embeddings, image_id, k):
    """Find neighbours and candidates of an image one by one, as (id, person, is bad)."""
    values = embeddings.outputs.astype(np.float64)
    vectors = dict(
        zip(embeddings.image_ids, (values - values.mean(axis=0)) / values.std(axis=0), strict=True)
    )
    rows = table.to_dict("records")
    mine = next(row for row in rows if row["image_id"] == image_id)
    person = mine["person_id"]

    def sources(row):
        return {(name, row[name]) for name in ("article", "source") if not pd.isna(row[name])}

    own = set().union(*(sources(row) for row in rows if row["person_id"] == person))
    alike = {row["person_id"] for row in rows if sources(row) & own}
    candidates = [
        row
        for row in rows
        if row["person_id"] != person
        and row["person_id"] not in alike
        and sources(row)
        and row["view"] == mine["view"]
        and row["state"] in ("good", "bad")
    ]
    candidates.sort(
        key=lambda row: np.sqrt(np.mean((vectors[row["image_id"]] - vectors[image_id]) ** 2))
    )
    return candidates[:k], candidates


@pytest.mark.parametrize("seed", range(4))
def test_shares_agree_with_a_slow_reference(seed):
    """Several views, missing days, views, articles and sites, ids of one person."""
    table, embeddings = make_cohort(seed=seed)
    table.loc[table["patient_id"].isin(["p3", "p4"]), "person_id"] = "p3"
    n_checked = 0
    for patient in ("p0", "p3", "p4", "p9"):
        shares = find_shares(table, embeddings, patient, k=12)
        assert set(shares.table["image_id"]) == set(table["image_id"][table.patient_id == patient])
        for row in shares.table.to_dict("records"):
            if not row["view"]:
                assert row["reason"] == "its view is not recorded"
                continue
            near, everyone = slow_neighbours(table, embeddings, row["image_id"], 12)
            assert row["n_overall"] == len(everyone)
            assert row["overall"] == np.mean([each["state"] == "bad" for each in everyone])
            if row["reason"]:
                continue
            n_checked += 1
            assert row["n_bad"] == sum(each["state"] == "bad" for each in near)
            assert row["share"] == row["n_bad"] / 12
            assert row["n_persons"] == len({each["person_id"] for each in near})
            assert row["low"] <= row["share"] <= row["high"]
    assert n_checked > 6


@pytest.mark.parametrize("shared", ["person_id", "article", "source", "sha256"])
def test_no_neighbour_is_of_the_same_person_source_or_picture(shared):
    """Images that would leak the answer lie on the patient's own, all bad: none is counted."""
    rng = np.random.default_rng(1)
    rows = [("mine", "p", 1, "PA", {"source": "s", "article": "a", "sha256": "x", "state": "bad"})]
    rows += [
        (f"good{i}", f"q{i}", 1, "PA", {"source": f"t{i}", "article": f"b{i}", "state": "good"})
        for i in range(50)
    ]
    for i in range(30):
        cells = {"source": f"u{i}", "article": f"c{i}", "state": "bad", "person_id": f"r{i}"}
        own = {"person_id": "p", "article": "a", "source": "s", "sha256": "x"}[shared]
        # The second image of one of them, of an innocent source: the person is left out as one.
        person = {} if shared == "person_id" else {"person_id": f"r{i // 2}"}
        leak = (
            cells | person | ({shared: own} if i % 2 or shared in ("person_id", "sha256") else {})
        )
        rows.append((f"leak{i}", f"r{i}", 1, "PA", leak))
    values = np.vstack([np.zeros((1, 3)), 5 + rng.normal(size=(50, 3)), np.zeros((30, 3))])
    shares = find_shares(make_table(rows), make_embeddings([r[0] for r in rows], values), "p")
    row = shares.table.iloc[0]
    assert row["n_overall"] == 50
    assert (row["n_bad"], row["n_neighbours"]) == (0, 20)


def test_near_duplicates_are_no_neighbours():
    """Pairs that the cohort knows as one picture, whichever stands first."""
    rows = [("mine", "p", 1, "PA", {"source": "s"})]
    rows += [(f"i{k}", f"q{k}", 1, "PA", {"source": f"t{k}", "state": "good"}) for k in range(50)]
    pairs = pd.DataFrame({"image_id_1": ["mine", "i7"], "image_id_2": ["i3", "mine"]})
    table, embeddings = make_table(rows), make_embeddings([r[0] for r in rows], np.arange(51))
    shares = find_shares(table, embeddings, "p", duplicates=pairs)
    assert shares.table.iloc[0]["n_overall"] == 48


def test_the_order_of_rows_changes_nothing():
    """Shuffled rows, and shuffled embeddings, with many images at the same distance."""
    table, embeddings = make_cohort(seed=5)
    embeddings = make_embeddings(embeddings.image_ids, np.round(embeddings.outputs))
    order = np.random.default_rng(0).permutation(len(table))
    other = make_embeddings([embeddings.image_ids[i] for i in order], embeddings.outputs[order])
    shuffled = table.iloc[order[::-1]].reset_index(drop=True)
    bad = table["state"].eq("bad").to_numpy()
    for patient in ("p0", "p1", "p2"):
        first = find_shares(table, embeddings, patient).table
        second = find_shares(shuffled, other, patient, bad=bad[order[::-1]]).table
        pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("by_person", [False, True])
def test_with_random_states_the_interval_covers_the_overall_share(by_person):
    """States of images, or of persons, drawn apart from the numbers: nothing is to be found."""
    rng = np.random.default_rng(7)
    inside = []
    for seed in range(3):
        rows, values = [], []
        for person in range(150):
            own = rng.random() < 0.4
            for k in range(3):
                is_bad = own if by_person else rng.random() < 0.4
                cells = {"source": f"s{person}", "state": "bad" if is_bad else "good"}
                rows.append((f"i{person}-{k}", f"p{person}", float(k), "PA", cells))
                values.append(rng.normal(size=4))
        table, embeddings = (
            make_table(rows),
            make_embeddings([r[0] for r in rows], np.array(values)),
        )
        space = lay_out_feature_space(table, embeddings)
        for person in range(0, 150, 3):
            found = path_shares(table, space, f"p{person}", seed=seed).table
            inside += (found["differs"] == "").tolist()
    assert np.mean(inside) > 0.93
    assert np.mean(inside) < 1


def test_a_planted_difference_is_found():
    """Bad images lie in a place of their own: who is there is above, who is not is below."""
    rng = np.random.default_rng(2)
    rows, values = [], []
    for person in range(120):
        is_bad = person % 2 == 0
        cells = {"source": f"s{person}", "state": "bad" if is_bad else "good"}
        rows.append((f"i{person}", f"p{person}", 1, "PA", cells))
        values.append(rng.normal(size=3) + 4 * is_bad)
    table, embeddings = make_table(rows), make_embeddings([r[0] for r in rows], np.array(values))
    first = find_shares(table, embeddings, "p0").table.iloc[0]
    second = find_shares(table, embeddings, "p1").table.iloc[0]
    assert (first["differs"], second["differs"]) == ("above", "below")
    assert first["low"] < 1 == first["share"] == first["high"]
    assert second["low"] == 0 == second["share"] < second["high"]


def test_the_interval_counts_persons_not_images():
    """Twenty images of ten persons say less than twenty of twenty; all alike are not certain."""
    ones = np.ones(20, dtype=int)
    low, high = estimate_interval((np.arange(20) < 8).astype(int), ones)
    wide_low, wide_high = estimate_interval(2 * (np.arange(10) < 4).astype(int), np.full(10, 2))
    assert wide_low < low < 0.4 < high < wide_high
    assert estimate_interval(0 * ones, ones)[1] > 0.1
    assert estimate_interval(ones, ones)[0] < 0.9
    counts = count_by_person(np.array([True, False, True]), np.array([7, 7, 3]))
    assert [each.tolist() for each in counts] == [[1, 1], [1, 2]]


@pytest.mark.parametrize("share", [0.1, 0.4])
@pytest.mark.parametrize("of_one_mind", [False, True])
def test_intervals_hold_the_truth(share, of_one_mind):
    """In 95 of 100 at least, also where all images of a person are of one state."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(300):
        n_each = rng.multinomial(8, np.full(12, 1 / 12)) + 1
        if of_one_mind:
            n_bad = np.where(rng.random(12) < share, n_each, 0)
        else:
            n_bad = rng.binomial(n_each, share)
        low, high = estimate_interval(n_bad, n_each)
        held.append(low <= share <= high)
    assert np.mean(held) >= 0.94


def test_what_is_not_estimable_says_why():
    """No view, no numbers, no source, few images, few persons."""
    rows = [
        ("a", "p", 1, None, {"source": "s"}), ("b", "p", 2, "L", {"source": "s"}),
        ("c", "p", 3, "PA", {"source": "s"}), ("d", "p", None, "PA", {"source": "s"}),
        ("e", "q", 1, "PA"),
    ]  # fmt: skip
    rows += [
        (f"i{k}", f"r{k % 5}", 1, "PA", {"source": f"t{k % 5}", "state": "bad"}) for k in range(60)
    ]
    table = make_table(rows)
    values = np.random.default_rng(0).normal(size=(len(rows), 3))
    values[3] = np.inf
    embeddings = make_embeddings([row[0] for row in rows], values)
    found = find_shares(table, embeddings, "p").table.set_index("image_id")
    assert found["reason"].to_dict() == {
        "a": "its view is not recorded",
        "b": "0 images of other patients and sources with this view and a recorded state; 40 are "
        "needed",
        "c": "the 20 nearest are of 5 persons; 10 are needed",
        "d": "the extractor has no values for it",
    }
    assert found["share"].isna().all()
    found = find_shares(table, embeddings, "q").table
    assert found["reason"].item() == "the source of this patient's images is not recorded"
    words = describe_path_shares([find_shares(table, embeddings, "p")])
    assert words.startswith("Patient p: not estimable (its view is not recorded; ")
    nobody = table[table["patient_id"] == "p"].reset_index(drop=True)
    assert find_shares(nobody, embeddings, "p").table["share"].isna().all()


def test_another_definition_of_bad():
    """Masks by row of the table; what is not known is no neighbour."""
    table, embeddings = make_cohort(seed=3)
    bad = table["image_id"].str.endswith("0").to_numpy()
    known = ~table["image_id"].str.endswith("3").to_numpy()
    found = find_shares(table, embeddings, "p0", bad=bad, known=known).table
    usual = find_shares(table, embeddings, "p0").table
    assert found["n_overall"].tolist() != usual["n_overall"].tolist()
    assert found["overall"].dropna().between(0.2, 0.45).all()
    everything = np.ones(len(table), dtype=bool)
    found = find_shares(table, embeddings, "p0", bad=everything, known=known).table
    assert (found["share"].dropna() == 1).all()
    assert found["share"].notna().any()


def test_words_and_table_of_several_patients():
    """Counts with their denominators, the patient first."""
    table, embeddings = make_cohort(seed=3)
    shares = [find_shares(table, embeddings, patient) for patient in ("p0", "p1")]
    words = describe_path_shares(shares)
    row = next(r for r in shares[0].table.to_dict("records") if not r["reason"])
    assert f"{row['n_bad']} of 20 ({100 * row['share']:.0f} %" in words
    assert "would by chance" in words
    joined = tabulate_shares(shares)
    assert joined.columns[0] == "patient_id"
    assert joined["patient_id"].unique().tolist() == ["p0", "p1"]


def test_wrong_requests_are_named():
    """No such patient, no neighbour."""
    table, embeddings = make_cohort(12)
    with pytest.raises(SelectionError, match="Patient 'nobody' is not among the 12 patients"):
        find_shares(table, embeddings, "nobody")
    with pytest.raises(SelectionError, match="k=0 neighbours"):
        find_shares(table, embeddings, "p0", k=0)
