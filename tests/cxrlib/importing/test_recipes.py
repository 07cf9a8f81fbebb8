"""Tests of the named recipes: on real tables where there are any, else on generated rows.

Figure 1 is read from its real folder. The label tables of NIH, CheXpert and PadChest are those that
torchxrayvision ships. The rows of MIMIC-CXR-JPG, BIMCV, Actualmed and Hannover are made up under
their published headers: no row of them is a patient.
"""

import gzip
import importlib.util
import os
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from cxrlib.cohort import load_cohort
from cxrlib.errors import CohortError
from cxrlib.importing import Importer, ImportReport, find_recipe, list_recipes, suggest_mapping
from tests.cohort_factory import make_cohort
from tests.source_factory import draw, read_back, write_table

LABELS = [
    *("No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion"),
    *("Edema", "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion"),
    *("Pleural Other", "Fracture", "Support Devices"),
]
SHIPPED = {
    "nih": "Data_Entry_2017_v2020.csv.gz",
    "chexpert": "chexpert_train.csv.gz",
    "padchest": "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz",
}


def run(recipe: str, source: Path, target: Path, *options: str) -> ImportReport:
    """Import a source by a recipe."""
    return Importer(source, find_recipe(recipe), options).run(target)


@pytest.fixture(scope="module")
def figure1() -> Path:
    """Give the real Figure 1 folder, or skip: CXR_FOREIGN, or foreign/ beside CXR_DATA."""
    places = [os.environ.get("CXR_FOREIGN", "")]
    if os.environ.get("CXR_DATA"):
        places.append(str(Path(os.environ["CXR_DATA"]).parent / "foreign"))
    for place in filter(None, places):
        if (Path(place) / "figure1" / "metadata.csv").is_file():
            return Path(place) / "figure1"
    pytest.skip("Figure 1 is not at hand: set CXR_FOREIGN to the folder that holds figure1/.")


def find_shipped(name: str) -> Path:
    """Find a label table in torchxrayvision's package, without importing it."""
    spec = importlib.util.find_spec("torchxrayvision")
    if spec is None or not spec.origin:
        pytest.skip("torchxrayvision is not installed.")
    path = Path(spec.origin).parent / "data" / SHIPPED[name]
    if not path.is_file():
        pytest.skip(f"This torchxrayvision ships no {SHIPPED[name]}.")
    return path


def cut(name: str, folder: Path, n: int = 3000) -> Path:
    """Write the first rows of a shipped table; give the folder."""
    folder.mkdir()
    with gzip.open(find_shipped(name), "rt", encoding="utf-8", newline="") as file:
        lines = [line for line, _ in zip(file, range(n + 1), strict=False)]
    (folder / SHIPPED[name]).write_bytes(gzip.compress("".join(lines).encode()))
    return folder


def read_plainly(path: Path) -> pd.DataFrame:
    """Read a table as text with pandas: the slow reference."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_every_recipe_is_a_mapping_with_a_title() -> None:
    """Each file is of the language that own mappings are written in."""
    assert set(list_recipes()) == {
        *("covid-chestxray-dataset", "figure1", "actualmed", "hannover", "chexpert", "padchest"),
        *("nih", "mimic-cxr-jpg", "bimcv"),
    }
    for name in list_recipes():
        assert find_recipe(name).mapping.title
    with pytest.raises(CohortError, match="There are: actualmed"):
        find_recipe("nihh")


# ---- this collection


def test_collection_comes_in_as_it_is(tmp_path) -> None:
    """A cohort in our form is the same after the import, extra columns and annotations included."""
    rows = [{"patientid": "1", "ward": "3"}, {"patientid": "2", "survival": "N"}]
    from tests.cohort_factory import HEADER

    root = make_cohort(
        tmp_path / "source", rows, header=(*HEADER, "ward"), scores={"image1.png": (1, 2)}
    )
    run("covid-chestxray-dataset", root, tmp_path / "out")
    before, after = load_cohort(root), load_cohort(tmp_path / "out")
    pd.testing.assert_frame_equal(after.table, before.table)


def test_real_collection_comes_in_as_it_is(real_root, tmp_path) -> None:
    """So is the real one: no cell changes, no row goes."""
    report = run("covid-chestxray-dataset", real_root, tmp_path / "out")
    before = load_cohort(real_root, inspect_images=False)
    after = load_cohort(tmp_path / "out", inspect_images=False)
    pd.testing.assert_frame_equal(after.table[before.table.columns], before.table)
    assert report.images.n_found == 851


# ---- Figure 1


def test_figure1_comes_in_whole(figure1, tmp_path) -> None:
    """All 55 films have their image; notes, ages and views are there; a, b and c are one person."""
    report = run("figure1", figure1, tmp_path / "out")
    assert report.images.n_found == report.n_rows == 55
    assert not report.images.left
    rows = read_back(tmp_path / "out")
    cohort = load_cohort(tmp_path / "out", inspect_images=False)
    assert cohort.n_patients == 48
    assert Counter(row["patientid"] for row in rows)["COVID-00039"] == 3
    assert Counter(row["finding"] for row in rows)["Pneumonia/Viral/COVID-19"] == 35
    assert Counter(row["view"] for row in rows)["AP erect"] == 11
    assert sum(bool(row["clinical_notes"]) for row in rows) == 49
    assert "90’s" in rows[18]["clinical_notes"] or any("’" in row["clinical_notes"] for row in rows)
    assert {row["age"] for row in rows} >= {"50+", "early 40s"}
    source = pd.read_csv(
        figure1 / "metadata.csv", dtype=str, keep_default_na=False, encoding="cp1252"
    )
    for number, row in enumerate(source.itertuples(index=False)):
        assert {str(cell).strip() for cell in row} <= set(rows[number].values())


def test_figure1_fits_its_recipe_alone(figure1) -> None:
    """A proposal names the recipe that fits, and the column that names the images."""
    found = suggest_mapping(figure1)
    assert found.recipes == ["figure1"]
    assert 'file = "images/{patientid}"' in found.text


# ---- the tables that torchxrayvision ships


def test_nih_reads_the_shipped_table(tmp_path) -> None:
    """Findings, ages and each of the 14 labels agree with plain pandas."""
    source = cut("nih", tmp_path / "source")
    report = run("nih", source, tmp_path / "out")
    plain = read_plainly(source / SHIPPED["nih"])
    rows = pd.DataFrame(read_back(tmp_path / "out"))
    assert rows["patientid"].tolist() == plain["Patient ID"].tolist()
    assert rows["age"].tolist() == plain["Patient Age"].tolist()
    wanted = plain["Finding Labels"].str.replace("|", ", ", regex=False)
    assert rows["finding"].tolist() == wanted.tolist()
    for label in ("Hernia", "Edema", "Pleural_Thickening"):
        has = plain["Finding Labels"].str.split("|").map(lambda found, label=label: label in found)
        assert (rows[label] == "yes").tolist() == has.tolist()
        assert set(rows[label]) == {"yes", "no"}
    assert report.images.left == {"there is no such file": len(plain)}
    assert not any(each.n_strange for each in report.columns)


def test_chexpert_reads_the_shipped_table(tmp_path) -> None:
    """Uncertain labels stay unclear, blank ones blank; positive ones name the finding."""
    source = cut("chexpert", tmp_path / "source")
    run("chexpert", source, tmp_path / "out")
    plain = read_plainly(source / SHIPPED["chexpert"])
    rows = pd.DataFrame(read_back(tmp_path / "out"))
    words = {"1.0": "yes", "0.0": "no", "-1.0": "unclear", "": ""}
    for label in LABELS:
        assert rows[label].tolist() == plain[label].map(words).tolist()
    named = LABELS[:-1]
    wanted = [
        ", ".join(label for label in named if row[label] == "1.0") for _, row in plain.iterrows()
    ]
    assert rows["finding"].tolist() == wanted
    lateral = plain["Frontal/Lateral"] == "Lateral"
    assert (rows["view"] == "L").tolist() == lateral.tolist()
    assert rows["patientid"].iloc[0] == "patient00001"
    assert rows["filename"].iloc[0] == plain["Path"].iloc[0]


def test_padchest_reads_the_shipped_table(tmp_path) -> None:
    """Days, ages, views and labels agree with plain pandas; what is no view is named by row."""
    source = cut("padchest", tmp_path / "source")
    report = run("padchest", source, tmp_path / "out")
    plain = read_plainly(source / SHIPPED["padchest"])
    rows = pd.DataFrame(read_back(tmp_path / "out"))
    dates = pd.to_datetime(plain["StudyDate_DICOM"], format="%Y%m%d")
    days = (dates - dates.groupby(plain["PatientID"]).transform("min")).dt.days
    assert rows["offset"].astype(int).tolist() == days.tolist()
    born = pd.to_numeric(plain["PatientBirth"], errors="coerce")
    known = born.notna()
    assert (rows["age"][known].astype(float) == dates.dt.year[known] - born[known]).all()
    assert (rows["view"] == "AP Supine").tolist() == (
        plain["Projection"] == "AP_horizontal"
    ).tolist()
    assert (rows["pneumonia"] == "yes").sum() == plain["Labels"].str.contains("'pneumonia'").sum()
    view = next(each for each in report.columns if each.column == "view")
    assert set(view.strange) == {"COSTAL"}
    assert view.strange["COSTAL"][1] == plain.index[plain["Projection"] == "COSTAL"][0] + 2
    assert load_cohort(tmp_path / "out").notes == report.notes != ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "n_rows", "n_patients"),
    [("nih", 112_120, 30_805), ("chexpert", 223_414, 64_540), ("padchest", 160_861, 67_625)],
)
def test_shipped_tables_come_in_whole(recipe, n_rows, n_patients, tmp_path) -> None:
    """Every row and every patient of the whole tables is there."""
    path = find_shipped(recipe)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / path.name).symlink_to(path)
    (tmp_path / "source" / path.name).unlink()
    (tmp_path / "source" / path.name).write_bytes(path.read_bytes())
    report = run(recipe, tmp_path / "source", tmp_path / "out")
    assert report.n_rows == n_rows
    patients = pd.read_csv(tmp_path / "out" / "metadata.csv", usecols=["patientid"], dtype=str)
    assert patients["patientid"].nunique() == n_patients


# ---- generated rows under the published headers


def test_mimic_joins_its_four_tables(tmp_path) -> None:
    """Labels of both labellers, the split and the day come to each film (generated rows)."""
    source = tmp_path / "source"
    films = [
        ("f1", "10000032", "50000001", "PA", "21800506"),
        ("f2", "10000032", "50000001", "LATERAL", "21800506"),
        ("f3", "10000032", "50000002", "AP", "21800601"),
        ("f4", "11000011", "50000003", "", "21500101"),
    ]
    header = ("dicom_id", "subject_id", "study_id", "ViewPosition", "StudyDate")
    more = {
        "PerformedProcedureStepDescription": "CHEST (PA AND LAT)", "Rows": "3056",
        "Columns": "2544", "StudyTime": "213014.531", "ProcedureCodeSequence_CodeMeaning": "",
        "ViewCodeSequence_CodeMeaning": "", "PatientOrientationCodeSequence_CodeMeaning": "Erect",
    }  # fmt: skip
    start = "mimic-cxr-2.0.0"
    write_table(
        source / f"{start}-metadata.csv.gz",
        [dict(zip(header, film, strict=True)) | more for film in films],
    )
    labels = dict.fromkeys(LABELS, "")
    study = {"subject_id": "10000032", "study_id": "50000001"}
    write_table(
        source / f"{start}-chexpert.csv.gz",
        [study | labels | {"Edema": "1.0", "Pneumonia": "-1.0", "Fracture": "0.0"}],
    )
    write_table(source / f"{start}-negbio.csv.gz", [study | labels | {"Edema": "-1.0"}])
    write_table(
        source / f"{start}-split.csv.gz",
        [
            {"dicom_id": f, "study_id": s, "subject_id": p, "split": "train"}
            for f, p, s, _, _ in films
        ],
    )
    draw(source / "files" / "p10" / "p10000032" / "s50000001" / "f1.jpg", 1)
    report = run("mimic-cxr-jpg", source, tmp_path / "out")
    rows = read_back(tmp_path / "out")
    assert [row["offset"] for row in rows] == ["0", "0", "26", "0"]
    assert [row["view"] for row in rows] == ["PA", "L", "AP", ""]
    assert rows[0]["filename"] == "p10/p10000032/s50000001/f1.jpg"
    assert [row["finding"] for row in rows] == ["Edema", "Edema", "", ""]
    assert (rows[0]["Pneumonia"], rows[0]["Fracture"]) == ("unclear", "no")
    assert (rows[0]["negbio Edema"], rows[0]["split"]) == ("unclear", "train")
    assert report.images.n_found == 1
    (source / f"{start}-negbio.csv.gz").unlink()
    assert "negbio Edema" not in read_back_of(source, tmp_path / "less")[0]


def read_back_of(source: Path, target: Path) -> list[dict[str, str]]:
    """Import MIMIC-CXR-JPG and read what was written."""
    run("mimic-cxr-jpg", source, target)
    return read_back(target)


HANNOVER = [
    "patient_id",
    "image_id",
    "sex",
    "age",
    "size",
    "weight",
    "admission_offset",
    "icu_admission_offset",
    "icu_release_offset",
    "death_offset",
    "modality",
    "projection",
    "crp_offset",
    "crp_val",
    "d-dimer_offset",
    "d-dimer_val",
    "factor_xii_offset",
    "factor_xii_val",
    "ldh_offset",
    "ldh_val",
    "lymphocytes_offset",
    "lymphocytes_val",
    "neutrophils_offset",
    "neutrophils_val",
    "pco2_offset",
    "pco2_val",
    "po2_offset",
    "po2_val",
]


def make_hannover(root: Path) -> Path:
    """Write made-up rows: before, in and after the ICU, released on the day, never there, dead."""
    blank = dict.fromkeys(HANNOVER, "") | {"modality": "CR", "projection": "ap"}
    cases = [
        ("a", "-3", "2.0", "9.0", ""),  # will be in the ICU
        ("a", "-5", "0.0", "7.0", ""),  # admitted to it on the day
        ("a", "-12", "-7.0", "0.0", ""),  # released on the day
        ("b", "-1", "-1.0", "", ""),  # still there
        ("c", "4", "", "", ""),  # never there
        ("d", "0", "", "", "6.0"),  # died
    ]
    keys = ("patient_id", "admission_offset", "icu_admission_offset", "icu_release_offset")
    rows = [
        blank | dict(zip((*keys, "death_offset"), case, strict=True)) | {"image_id": f"i{n}"}
        for n, case in enumerate(cases)
    ]
    rows[0] |= {"sex": "w", "lymphocytes_offset": "0.0", "lymphocytes_val": "1.2"}
    rows[1] |= {"sex": "m", "lymphocytes_offset": "-1.0", "lymphocytes_val": "1.1"}
    rows[2] |= {"sex": "f", "neutrophils_offset": "0.0", "neutrophils_val": "-inf"}
    write_table(root / "data.csv", rows)
    draw(root / "png" / "i0.png", 1)
    return root


def test_hannover_reads_offsets_as_days_of_the_image(tmp_path) -> None:
    """Day, ICU and death follow from the offsets; what is not given is not recorded."""
    run("hannover", make_hannover(tmp_path / "source"), tmp_path / "out")
    rows = read_back(tmp_path / "out")
    assert [row["offset"] for row in rows] == ["3", "5", "12", "1", "-4", "0"]
    assert [row["in_icu"] for row in rows] == ["no", "yes", "no", "yes", "", ""]
    assert [row["went_icu"] for row in rows] == ["yes", "yes", "yes", "yes", "", ""]
    assert [row["survival"] for row in rows] == ["", "", "", "", "", "no"]
    assert [row["sex"] for row in rows[:3]] == ["F", "m", "f"]
    assert [row["lymphocyte_count"] for row in rows[:3]] == ["1.2", "", ""]
    assert rows[2]["neutrophil_count"] == ""
    assert rows[2]["neutrophils_val"] == "-inf"


def test_hannover_says_an_assumed_survival_on_every_number(tmp_path) -> None:
    """Reading no recorded death as survived is an option, and a note goes with the cohort."""
    from cxrlib.reports import list_provenance

    source = make_hannover(tmp_path / "source")
    run("hannover", source, tmp_path / "out", "survived-if-no-death", "no-icu-if-no-admission")
    rows = read_back(tmp_path / "out")
    assert [row["survival"] for row in rows] == ["yes", "yes", "yes", "yes", "yes", "no"]
    assert [row["in_icu"] for row in rows] == ["no", "yes", "no", "yes", "no", "no"]
    cohort = load_cohort(tmp_path / "out")
    assert any("such patients were read as survived" in note for note in cohort.notes)
    assert any("read as survived" in line for line in list_provenance(cohort))
    some = cohort.select(cohort.table["view"].notna(), "all")
    assert some.notes == cohort.notes
    run("hannover", source, tmp_path / "plain")
    assert not any("survived" in note for note in load_cohort(tmp_path / "plain").notes)


def test_actualmed_finds_days_in_notes(tmp_path) -> None:
    """The date stands in the notes; days count from a patient's first film (generated rows)."""
    taken = "date taken (YYYYMMDD): "
    notes = [f"Inconclusive, {taken}20200313", f", {taken}20200318", "no date", f"x, {taken}2020"]
    header = [
        "patientid",
        "offset",
        "sex",
        "age",
        "finding",
        "survival",
        "temperature",
        "pO2 saturation",
        "view",
        "modality",
        "imagename",
        "artifacts/distortion",
        "notes",
    ]
    rows = [
        dict.fromkeys(header, "")
        | {"patientid": "ANON1", "imagename": f"CR.{i}.png", "notes": note, "finding": "COVID-19"}
        for i, note in enumerate(notes)
    ]
    write_table(tmp_path / "source" / "metadata.csv", rows)
    draw(tmp_path / "source" / "images" / "CR.0.png", 1)
    report = run("actualmed", tmp_path / "source", tmp_path / "out")
    written = read_back(tmp_path / "out")
    assert [row["offset"] for row in written] == ["0", "5", "", ""]
    assert [row["date"] for row in written] == ["20200313", "20200318", "", ""]
    assert [row["clinical_notes"] for row in written] == notes
    assert written[0]["finding"] == "Pneumonia/Viral/COVID-19"
    assert report.images.n_found == 1


def test_bimcv_reads_films_by_their_names(tmp_path) -> None:
    """Rows are the files; person, session, view and labels come to each (generated rows)."""
    source = tmp_path / "source"
    write_table(
        source / "participants.tsv",
        [
            {
                "participant": "sub-S03044",
                "modality_dicom": "['CR', 'DX']",
                "body_parts": "[['chest']]",
                "age": "[64]",
                "gender": "F",
            }
        ],
        delimiter="\t",
    )
    write_table(
        source / "derivatives" / "labels" / "labels_covid19_posi.tsv",
        [
            {
                "PatientID": "sub-S03044",
                "ReportID": "ses-E06213",
                "Report": "neumonia",
                "Labels": "['COVID 19'\t 'pneumonia']",
                "Localizations": "[]",
                "LabelsLocalizationsBySentence": "[]",
                "labelCUIS": "[]",
                "LocalizationsCUIS": "[]",
            }
        ],
        delimiter="\t",
    )
    sessions = [("ses-E06213", "20200322"), ("ses-E08114", "20200329")]
    write_table(
        source / "sub-S03044" / "sub-S03044_sessions.tsv",
        [
            {"session_id": session, "study_date": date, "medical_evaluation": ""}
            for session, date in sessions
        ],
        delimiter="\t",
    )
    for seed, (session, _) in enumerate(sessions):
        name = f"sub-S03044_{session}_run-1_bp-chest_vp-{'pa' if seed else 'ap'}_cr.png"
        draw(source / "sub-S03044" / session / "mod-rx" / name, seed)
    report = run("bimcv", source, tmp_path / "out")
    rows = read_back(tmp_path / "out")
    assert [row["patientid"] for row in rows] == ["sub-S03044"] * 2
    assert [row["offset"] for row in rows] == ["0", "7"]
    assert [row["view"] for row in rows] == ["ap", "pa"]
    assert [
        (row["age"], row["gender (source)"] if "gender (source)" in row else row["sex"])
        for row in rows
    ] == [
        ("64", "F"),
    ] * 2
    assert rows[0]["finding"] == "Pneumonia/Viral/COVID-19, Pneumonia"
    assert rows[0]["clinical_notes"] == "neumonia"
    assert report.images.n_found == 2
    cohort = load_cohort(tmp_path / "out")
    assert cohort.table["view"].tolist() == ["AP", "PA"]
