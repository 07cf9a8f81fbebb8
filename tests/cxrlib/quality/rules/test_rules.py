"""Every rule of the quality ledger: cases that raise it, and near ones that must not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.quality import find_flags, get_rule
from cxrlib.quality.rules import RULES
from cxrlib.quality.rules.days import FAR_DAYS, FEW_DAYS
from cxrlib.quality.rules.files import SMALL_SIDE
from cxrlib.quality.rules.patients import AGES_APART
from cxrlib.quality.rules.values import LIMITS, VOCABULARY
from tests.cohort_factory import draw_image, make_cohort

Row = Mapping[str, object]

ICU = {"in_icu": "Y", "went_icu": "Y"}
TUBE = {"intubation_present": "Y", "intubated": "Y"}
COVID = "Pneumonia/Viral/COVID-19"

# Rule; rows; the images (from 1) that it flags, the others being as near as may be.
RECORD_CASES: list[tuple[str, Sequence[Row], set[int]]] = [
    ("no file", [{}, {"filename": ""}], {1, 2}),
    (
        "two sexes",
        [
            {"patientid": "a", "sex": "M"},
            {"patientid": "a", "sex": "F"},
            {"patientid": "a"},
            {"patientid": "b", "sex": "F"},
            {"patientid": "b", "sex": ""},
            {"patientid": "b", "sex": "female"},
        ],
        {1, 2, 3},
    ),
    (
        "ages apart",
        [
            {"patientid": "a", "age": 40},
            {"patientid": "a", "age": 43},
            {"patientid": "b", "age": 40},
            {"patientid": "b", "age": 42},
            # Three years of follow-up explain three years of age.
            {"patientid": "c", "age": 40, "offset": 0},
            {"patientid": "c", "age": 43, "offset": 1000},
        ],
        {1, 2},
    ),
    (
        "outcome changes",
        [
            {"patientid": "a", "survival": "Y"},
            {"patientid": "a", "survival": "N"},
            {"patientid": "b", "survival": "Y"},
            {"patientid": "b", "survival": ""},
            # Dated columns may change: that is their use.
            {"patientid": "c", "in_icu": "N"},
            {"patientid": "c", "in_icu": "Y"},
        ],
        {1, 2},
    ),
    (
        "several articles",
        [
            {"patientid": "a", "doi": "10.1/A"},
            {"patientid": "a", "doi": "10.1/b"},
            {"patientid": "b", "doi": "10.1/A"},
            {"patientid": "b", "doi": "https://doi.org/10.1/a"},
        ],
        {1, 2},
    ),
    ("no day", [{}, {"offset": 0}, {"offset": "some"}], {1, 3}),
    ("negative day", [{"offset": -1}, {"offset": 0}, {}], {1}),
    ("day out of range", [{"offset": d} for d in (91, 90, -91, -90, 0)] + [{}], {1, 3}),
    ("day perhaps imputed", [{"offset": d} for d in (5, 4, 6)] + [{}], {1}),
    (
        "clock unknown",
        [{"offset": 0}, {"offset": 9}, {}, {"offset": 9, "doi": "10.6084/m9.figshare.12275009"}],
        {1, 2},
    ),
    (
        "last image undefined",
        [
            {"patientid": "a", "offset": 3},
            {"patientid": "a"},
            {"patientid": "a", "offset": 1},
            {"patientid": "b", "offset": 1},
            {"patientid": "b", "offset": 2},
            {"patientid": "b", "view": "L"},
            {"patientid": "c"},
            *[{"patientid": "d", "offset": 3}] * 2,  # tied, which is another rule's
        ],
        {1, 2},
    ),
    (
        "last image tied",
        [
            {"patientid": "a", "offset": 3},
            {"patientid": "a", "offset": 3},
            {"patientid": "a", "offset": 1},
            {"patientid": "b", "offset": 3},
            {"patientid": "b", "offset": 3, "view": "L"},
            {"patientid": "c", "offset": 3},
            {"patientid": "c"},  # a day is missing, which is another rule's
        ],
        {1, 2},
    ),
    (
        "contradiction",
        [
            {"in_icu": "Y", "went_icu": "N"},
            {"intubation_present": "Y", "intubated": "N"},
            {"extubated": "Y", "intubated": "N"},
            {"intubated": "Y", "needed_supplemental_O2": "N"},
            {"in_icu": "N", "went_icu": "Y"},
            {"in_icu": "Y"},
            ICU | TUBE | {"needed_supplemental_O2": "Y"},
        ],
        {1, 2, 3, 4},
    ),
    (
        "unlikely together",
        [
            {"intubated": "Y", "went_icu": "N"},
            {"intubation_present": "Y", "in_icu": "N"},
            {"extubated": "Y", "survival": "N"},
            {"RT_PCR_positive": "Y", "finding": "Tuberculosis"},
            {"RT_PCR_positive": "N", "finding": COVID},
            {"RT_PCR_positive": "Y", "finding": "No Finding"},
            {"RT_PCR_positive": "Y", "finding": "todo"},
            {"RT_PCR_positive": "Unclear", "finding": "Tuberculosis"},
            ICU | TUBE,
        ],
        {1, 2, 3, 4, 5},
    ),
    (
        "state overlap",
        [{"in_icu": "Y", "intubation_present": "N"}, {"in_icu": "Y"}, {"in_icu": "N"}],
        {1},
    ),
    (
        "undated flag",
        [
            {"went_icu": "Y"},
            {"intubated": "Y", "intubation_present": "Unclear"},
            ICU | TUBE,
            {"went_icu": "Y", "in_icu": "N"},
            {"went_icu": "N"},
            {},
        ],
        {1, 2},
    ),
    (
        "outside vocabulary",
        [
            {"view": "PA oblique"},
            {"sex": "x"},
            {"survival": "maybe"},
            {"age": "old"},
            {"age": 131},
            {"view": "AP Erect", "sex": "male", "survival": "yes", "age": 40},
            {"view": "lateral", "sex": "F", "survival": "", "age": ""},
        ],
        {1, 2, 3, 4, 5},
    ),
    (
        "unknown finding",
        [
            {"finding": "Pneumothorax"},
            {"finding": "Pneumonia//COVID-19"},
            {"finding": "pneumonia"},
            {"finding": COVID},
            {"finding": "No Finding"},
            {"finding": ""},
        ],
        {1, 2, 3},
    ),
    ("file name repeated", [{"filename": "a.png"}, {"filename": "a.png"}, {}, {}], {1, 2}),
    (
        "implausible value",
        [
            {"temperature": 95.0},
            {"pO2_saturation": 340},
            {"lymphocyte_count": 22},
            {"leukocyte_count": 7000},
            {"neutrophil_count": 7.1, "leukocyte_count": 7.0},
            {"age": 120},
            {"temperature": 40.5, "pO2_saturation": 51, "lymphocyte_count": 1.1, "age": 99},
            {"neutrophil_count": 5, "lymphocyte_count": 2, "leukocyte_count": 8},
            {},
        ],
        {1, 2, 3, 4, 5, 6},
    ),
    (
        "date unclear",
        [
            {"date": "03/09/20"},
            {"date": "3/7/2020"},
            {"date": "03/16/20"},
            {"date": "3/3/2020"},
            {"date": "2020"},
            {"date": "March 2003"},
            {"date": "0/5/20"},
        ],
        {1, 2},
    ),
    (
        "unknown country",
        [{}, {"location": "Atlantis"}, {"location": "Rome, Italy"}],
        {1, 2},
    ),
    ("no licence", [{}, {"license": " "}, {"license": "CC BY"}], {1, 2}),
    (
        "restrictive licence",
        [
            {"license": "CC BY-NC-SA 4.0"},
            {"license": "CC BY-NC-ND"},
            {"license": "listed as authorized for everyone"},
            {"license": "CC BY 3.0"},
            {"license": "CC BY-SA"},
            {"license": "CC0"},
            {},
        ],
        {1, 2, 3},
    ),
    ("no article", [{}, {"doi": "10.1/a"}, {"url": "https://a.org/1"}], {1}),
    (
        "equal file names",
        [
            {"patientid": "a", "filename": "Torax_2020.png"},
            {"patientid": "b", "filename": "torax_2020.JPG"},
            {"patientid": "c", "filename": "torax_2021.png"},
            {"patientid": "d", "filename": "fig1a.png"},
            {"patientid": "e", "filename": "fig1a.jpg"},
            {"patientid": "f", "filename": "film.2.png"},
            {"patientid": "g", "filename": "film.3.png"},
            {"patientid": "h", "filename": "twice-here.png"},
            {"patientid": "h", "filename": "twice-here.jpg"},
        ],
        {1, 2},
    ),
    (
        "equal image addresses",
        [
            {"url": "https://www.a.org/x/film.jpg"},
            {"url": "http://a.org/x/film.jpg"},
            {"url": "https://a.org/case/7"},
            {"url": "https://a.org/case/7"},
            {"url": "https://a.org/x/Film.jpg"},
            {"url": "https://a.org/film.jpg?id=1"},
            {"url": "https://a.org/film.jpg?id=2"},
            {"url": "https://b.org/x/film.jpg"},
        ],
        {1, 2},
    ),
    (
        "todo",
        [{"finding": "todo"}, {"date": "TODO"}, {"clinical_notes": "todo list on the wall"}],
        {1, 2},
    ),
    ("no usable finding", [{"finding": f} for f in ("todo", "Unknown", "", COVID)], {1, 2, 3}),
]


def load_rows(
    root: Path, rows: Sequence[Row], images: Mapping[str, np.ndarray] | None = None
) -> Cohort:
    """Load a cohort of some rows; without images unless they are given."""
    return load_cohort(make_cohort(root, rows, images=images or {}), inspect_images=bool(images))


def flagged(cohort: Cohort, rule: str) -> set[int]:
    """List the numbers of the flagged rows, from 1."""
    flags = find_flags(cohort).table
    return {int(row) - 1 for row in flags.loc[flags["rule"] == rule, "row"]}


@pytest.mark.parametrize(("rule", "rows", "expected"), RECORD_CASES, ids=lambda v: v)
def test_rule_about_records(
    rule: str, rows: Sequence[Row], expected: set[int], tmp_path: Path
) -> None:
    """Each rule flags its cases and leaves the near ones alone."""
    assert flagged(load_rows(tmp_path / "cohort", rows), rule) == expected


@pytest.mark.parametrize("case", RECORD_CASES, ids=lambda case: case[0])
def test_rules_pass_over_ct(case: tuple[str, Sequence[Row], set[int]], tmp_path: Path) -> None:
    """The same rows as CT rows raise nothing: the app does not use them."""
    rows = [{**row, "modality": "CT"} for row in case[1]]
    assert len(find_flags(load_rows(tmp_path / "cohort", rows)).table) == 0


def test_misplaced_cells(tmp_path: Path) -> None:
    """A row with a cell too many is flagged, its neighbours are not."""
    root = make_cohort(tmp_path / "cohort", [{}, {}, {}], images={})
    path = root / "metadata.csv"
    lines = path.read_text().split("\n")
    lines[2] += ",,,more text"
    header = lines[0] + ",,,"
    path.write_text("\n".join([header, *lines[1:]]))
    assert flagged(load_cohort(root, inspect_images=False), "misplaced cell") == {2}


# ---- files and copies


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Give a cohort of files: PNG named .jpg, RGBA, palette, small, damaged, copies."""
    from PIL import Image

    rows: list[Row] = [
        {"patientid": "a", "filename": "lies.jpg", "view": "PA"},
        {"patientid": "b", "filename": "rgba.png"},
        {"patientid": "c", "filename": "palette.png"},
        {"patientid": "d", "filename": "small.png"},
        {"patientid": "e", "filename": "damaged.png"},
        {"patientid": "f", "filename": "film.png", "view": "PA", "age": 40, "offset": 1},
        {"patientid": "g", "filename": "again.png", "view": "AP", "age": 41},
        {"patientid": "f", "filename": "bytes.png", "view": "PA", "age": 40, "offset": 1},
        {"patientid": "h", "filename": "photo.JPEG"},
    ]
    size = {"height": 260, "width": 240}
    film = draw_image(5, **size)
    images = {
        "rgba.png": draw_image(1, **size),
        "palette.png": draw_image(2, **size),
        "small.png": draw_image(3, height=223, width=240),
        "film.png": film,
        "bytes.png": film,
        "again.png": film.clip(3, None),
        "photo.JPEG": draw_image(6, **size),
    }
    root = make_cohort(tmp_path_factory.mktemp("filed") / "cohort", rows, images=images)
    folder = root / "images"
    Image.fromarray(draw_image(0, **size)).save(folder / "lies.jpg", format="PNG")
    for name, mode in (("rgba.png", "RGBA"), ("palette.png", "P")):
        Image.open(folder / name).convert("RGB").convert(mode).save(folder / name)
    (folder / "damaged.png").write_bytes(b"no image")
    return load_cohort(root)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("unreadable", {5}),
        ("wrong ending", {1}),
        ("unusual mode", {2, 3}),
        ("small", {4}),
        ("exact duplicate", {6, 8}),
        ("near duplicate", {6, 7, 8}),
        ("copies disagree", {6, 7}),
        ("person under two ids", {6, 7, 8}),
    ],
)
def test_rule_about_files(filed: Cohort, rule: str, expected: set[int]) -> None:
    """Each rule about files flags its own, and no others."""
    found = flagged(filed, rule)
    # Of the two with the same bytes only one pairs with the third: see cxrlib.cohort.persons.
    assert found - {8} == expected - {8}
    assert found <= expected


def test_disagreement_names_both_values(filed: Cohort) -> None:
    """The ledger says what stands where; a year of age apart is no contradiction."""
    flags = find_flags(filed).table
    lines = flags[(flags["rule"] == "copies disagree") & (flags["image_id"] == "again.png")]
    assert set(lines["column"]) == {"view"}
    assert lines["value"].str.contains("AP, but PA in ").all()


def test_many_copies_take_no_square_of_time(filed: Cohort) -> None:
    """Thousands of rows with one file: some are named, the rest is counted."""
    table = pd.concat([filed.table.iloc[[0]]] * 5000, ignore_index=True)
    ids = [f"image{i:04d}" for i in range(5000)]
    crowd = replace(filed, table=table.assign(image_id=ids))
    hits = get_rule("exact duplicate").find(crowd)
    assert len(hits) == 5000
    assert hits[0].value == "same file as image0001, image0002, image0003 and 4996 more"
    assert hits[9].value == "same file as image0000, image0001, image0002 and 4996 more"


# ---- looks


def with_looks(cohort: Cohort, **measures: object) -> Cohort:
    """Give each image measures of its own."""
    usual = {
        "format": "PNG",
        "mode": "L",
        "n_greys": 200,
        "extremes": 0.1,
        "coloured": 0.0,
        "upright": 0.5,
        "n_letters": 1,
        "n_marks": 0,
    }
    names = [f"{i:064d}" for i in range(cohort.n_images)]
    looks = pd.DataFrame({**usual, **measures}, index=pd.Index(names, name="sha256"))
    return replace(cohort, table=cohort.table.assign(sha256=names), appearance=looks)


LOOK_CASES = [
    ("perhaps text", {"n_letters": [5, 4, 0, 20]}, {1, 4}),
    ("perhaps arrows", {"n_marks": [2, 1, 0, 0], "coloured": [0, 0, 0.001, 0.0001]}, {1, 3}),
    ("perhaps arrows", {"coloured": [0.29, 0.31, 0, 0]}, {1}),
    ("tinted", {"coloured": [0.29, 0.31, 0, 0]}, {2}),
    ("perhaps inverted", {"upright": [-0.5, -0.2, 0.5, -0.5]}, {1}),
    ("few greys", {"n_greys": [13, 64, 256, 200], "extremes": [0.1, 0.5, 0.9, 0.7]}, {1, 3}),
]


@pytest.mark.parametrize(("rule", "measures", "expected"), LOOK_CASES)
def test_rule_about_looks(
    rule: str, measures: dict[str, object], expected: set[int], tmp_path: Path
) -> None:
    """Each rule goes by its limit; the fourth image is a lateral one, whose chest differs."""
    rows = [{}, {}, {}, {"view": "L"}]
    cohort = with_looks(load_rows(tmp_path / "cohort", rows), **measures)
    assert flagged(cohort, rule) == expected


def test_every_rule_has_a_case() -> None:
    """No rule goes without a test."""
    cases = {case[0] for case in RECORD_CASES} | {case[0] for case in LOOK_CASES}
    files = {"unreadable", "wrong ending", "unusual mode", "small", "exact duplicate"}
    copies = {"near duplicate", "copies disagree", "person under two ids", "misplaced cell"}
    assert {rule.name for rule in RULES} == cases | files | copies


def test_rules_speak_plainly() -> None:
    """Names fit a selection's language; words are sentences, clauses no sentences."""
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule.name.replace(" ", "").isalpha()
        assert rule.name == rule.name.lower() or rule.name == "todo"
        assert rule.meaning.endswith(".")
        assert rule.action.endswith(".")
        assert not rule.clause.endswith(".")
        assert rule.title[0].isupper()
        assert get_rule(rule.name) is rule


# ---- an independent judge


def judge_by_pandera(table: pd.DataFrame) -> set[tuple[str, int]]:
    """Let pandera say which cells break the declared limits and vocabularies."""
    import pandera.pandas as pa

    columns = {
        limits.column: pa.Column(
            "Float64", pa.Check.in_range(limits.low, limits.high), nullable=True
        )
        for limits in LIMITS
    }
    columns |= {
        name: pa.Column("str", pa.Check.isin(words), nullable=True)
        for name, words in VOCABULARY.items()
    }
    try:
        pa.DataFrameSchema(columns).validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        return set(zip(cases["column"], cases["index"].astype(int), strict=True))
    return set()


def judge_by_rules(cohort: Cohort) -> set[tuple[str, int]]:
    """Let the ledger say the same; sums of cells are no limit of a column."""
    hits = [
        *get_rule("implausible value").find(cohort),
        *get_rule("outside vocabulary").find(cohort),
    ]
    known = {*VOCABULARY, *(limits.column for limits in LIMITS)}
    return {(h.column, h.at) for h in hits if h.column in known and "in all" not in h.value}


def test_schema_agrees_with_pandera(tmp_path: Path) -> None:
    """A schema library fed with the same declarations finds the same cells."""
    rng = np.random.default_rng(3)
    rows = [
        {
            "view": rng.choice(["PA", "AP", "Oblique", ""]),
            **{
                limits.column: round(float(rng.uniform(0, 1.3 * limits.high)), 2)
                for limits in LIMITS
                if rng.random() < 0.7 and limits.column != "age"
            },
        }
        for _ in range(200)
    ]
    cohort = load_rows(tmp_path / "cohort", rows)
    found = judge_by_rules(cohort)
    assert len(found) > 100
    assert found == judge_by_pandera(cohort.table)


def test_real_schema_agrees_with_pandera(real_root: Path) -> None:
    """Also on the collection's X-rays."""
    cohort = load_cohort(real_root, inspect_images=False).select_xrays()
    found = judge_by_rules(cohort)
    assert len(found) == 39
    assert found == judge_by_pandera(cohort.table)


def test_rules_name_the_limits_that_they_use() -> None:
    """A number in a rule's text is the one that its function compares with."""
    numbers = {"day out of range": FAR_DAYS, "day perhaps imputed": FEW_DAYS}
    numbers |= {"small": SMALL_SIDE, "ages apart": AGES_APART}
    for name, number in numbers.items():
        rule = get_rule(name)
        assert f" {number} " in f"{rule.title.replace(',', '')} "
        assert f" {number} " in f"{rule.clause.replace(',', '')} "
