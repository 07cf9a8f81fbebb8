"""What the record shows of the simulated patients: columns, blanks, codes and odd values."""

from dataclasses import dataclass, field, replace

import numpy as np

from cxrlib.synthetic.course import (
    STORY_IDS,
    Patient,
    Shot,
    simulate_patients,
    simulate_shots,
)

__all__ = ["COLUMNS", "ImageTask", "SimulatedCohort", "simulate_courses"]

#: Columns of the real collection's metadata, its last and nameless one included.
COLUMNS: tuple[str, ...] = (
    "patientid", "offset", "sex", "age", "finding", "RT_PCR_positive", "survival", "intubated",
    "intubation_present", "went_icu", "in_icu", "needed_supplemental_O2", "extubated",
    "temperature", "pO2_saturation", "leukocyte_count", "neutrophil_count", "lymphocyte_count",
    "view", "modality", "date", "location", "folder", "filename", "doi", "url", "license",
    "clinical_notes", "other_notes", "",
)  # fmt: skip

# Web sites that gather cases of all regions, beside each hospital's own.
_SHARED_SITES = ("atlas.example.org", "casebook.example.org")
_LICENSES = ("CC BY 4.0", "CC0 1.0", "CC BY-NC-SA 4.0", "CC BY-NC-ND 4.0", "")
_MONTHS = ("January", "February", "March", "April", "May", "June")


@dataclass(frozen=True)
class ImageTask:
    """Hold one image file to be made.

    Parameters
    ----------
    filename : str
        Name in the folder images.
    shot : Shot
        What was imaged.
    trick : str
        "" or what is odd about the file: "missing", "truncated", "png named jpg", "rgba",
        "palette", "copy" (a near-identical second file of the same image).
    annotated : tuple of str
        Which of "score", "box" and "mask" the image gets.
    """

    filename: str
    shot: Shot
    trick: str = ""
    annotated: tuple[str, ...] = ()


@dataclass(frozen=True)
class SimulatedCohort:
    """Hold a simulated cohort before any image is made.

    Parameters
    ----------
    rows : list of dict
        The metadata, one dict a row, every value a text as it is written.
    tasks : list of ImageTask
        The files to make, in the order of the rows; CT rows have none.
    patients : list of Patient
        The truth, by patient in the order of the file.
    same_person : list of list of str
        Ids that are one person.
    """

    seed: int
    rows: list[dict[str, str]]
    tasks: list[ImageTask]
    patients: list[Patient]
    same_person: list[list[str]] = field(default_factory=list)


def simulate_courses(*, seed: int, n_patients: int) -> SimulatedCohort:
    """Simulate patients, courses and metadata, without rendering an image.

    Parameters
    ----------
    seed : int
        Same seed, same cohort.
    n_patients : int
        Number of patient ids, the second ids of some persons included.

    Returns
    -------
    SimulatedCohort
        About 3.2 images a patient. Takes under a second for 250 patients.
    """
    rng = np.random.default_rng([seed, 1])
    n_twins = max(1, round(n_patients * 0.018))
    people = simulate_patients(n_patients - n_twins, rng)
    people = [people[i] for i in rng.permutation(len(people))]
    papers = _publish(people, rng)
    rows: list[dict[str, str]] = []
    tasks: list[ImageTask] = []
    patients = []
    for person in people:
        patient, shots = simulate_shots(person, rng)
        patients.append(patient)
        base = _record_patient(patient, papers[patient.patient_id], rng)
        first = _first_in_window(shots)
        for shot in shots:
            row = _record_image(base, shot, shot is first, rng)
            rows.append(row)
            tasks.append(ImageTask(row["filename"], shot))
    same_person = _add_twins(rows, tasks, patients, n_twins, rng)
    tasks = _plant_odd_files(rows, tasks, rng)
    _plant_odd_values(rows, rng)
    tasks = _choose_annotated(rows, tasks, rng)
    rows += _record_ct(rows, max(2, round(n_patients * 0.064)), rng)
    return SimulatedCohort(seed, rows, tasks, patients, same_person)


def _first_in_window(shots: list[Shot]) -> Shot | None:
    """Give the first frontal image of days 1 to 7: its day is always recorded."""
    return next((s for s in shots if 0 < s.day < 8 and s.view in ("PA", "AP")), None)


def _publish(people: list[Patient], rng: np.random.Generator) -> dict[str, dict[str, str]]:
    """Spread patients over articles, articles over sites; no article crosses a region."""
    papers: dict[str, dict[str, str]] = {}
    open_article: dict[int, dict[str, str]] = {}
    left: dict[int, int] = {}
    number = 0
    for patient in people:
        place = patient.hospital
        if left.get(place.number, 0) == 0:
            number += 1
            shared = rng.random() < 0.2
            site = str(rng.choice(_SHARED_SITES)) if shared else place.site
            open_article[place.number] = {
                "doi": f"10.5555/synthetic.{number}" if rng.random() < 0.4 else "",
                "url": f"https://{site}/synthetic/article-{number}",
                "license": str(rng.choice(_LICENSES, p=(0.24, 0.16, 0.28, 0.06, 0.26))),
                "other_notes": "Credit: nobody; generated." if rng.random() < 0.45 else "",
            }
            left[place.number] = int(rng.choice([1, 2, 4, 8], p=(0.45, 0.25, 0.2, 0.1)))
        left[place.number] -= 1
        papers[patient.patient_id] = open_article[place.number]
    return papers


def _record_patient(
    patient: Patient, paper: dict[str, str], rng: np.random.Generator
) -> dict[str, str]:
    """Write a patient's constant values; the sick are recorded more often."""
    told = patient.patient_id in STORY_IDS

    def keep(value: bool, if_yes: float, if_no: float) -> str:
        kept = told or rng.random() < (if_yes if value else if_no)
        return ("Y" if value else "N") if kept else ""

    covid = "COVID" in patient.finding
    oxygen = patient.peak > 0.5
    extubated = patient.intubated and not patient.died
    row = dict.fromkeys(COLUMNS, "")
    row.update(paper)
    row.update(
        patientid=patient.patient_id,
        sex=patient.sex if told or rng.random() < 0.92 else "",
        age=str(patient.age) if told or rng.random() < 0.78 else "",
        finding=patient.finding,
        RT_PCR_positive=("Y" if rng.random() < 0.75 else "Unclear") if covid else "",
        survival=keep(not patient.died, 0.55, 0.97),
        intubated=keep(patient.intubated, 0.96, 0.48),
        went_icu=keep(patient.went_icu, 0.92, 0.55),
        needed_supplemental_O2=keep(oxygen, 0.14, 0.08),
        extubated=keep(extubated, 0.5, 0.6) if patient.intubated else "",
        modality="X-ray",
        location=patient.hospital.location if patient.region else "",
        folder="images",
    )
    dated = str(rng.choice(["exact", "year", "blank"], p=(0.35, 0.35, 0.30)))
    row["date"] = {"exact": str(rng.choice(_MONTHS)), "year": "2020", "blank": ""}[dated]
    return row


def _record_image(
    base: dict[str, str], shot: Shot, keep_day: bool, rng: np.random.Generator
) -> dict[str, str]:
    """Write one row: what the record of one image shows."""
    patient = shot.patient
    told = patient.patient_id in STORY_IDS
    row = dict(base)
    row["view"] = shot.view
    row["offset"] = str(shot.day)
    row["filename"] = f"demo-{patient.patient_id.zfill(3)}-{shot.number}.{_extension(rng)}"
    if not told:
        if not keep_day and rng.random() < 0.36:
            row["offset"] = ""
        elif 2 <= shot.day <= 8 and rng.random() < 0.15:
            row["offset"] = "5"  # the collection's code for "a few days"
    row["in_icu"] = _maybe(patient.in_icu(shot.day), told, 0.75, 0.40, rng)
    row["intubation_present"] = _maybe(patient.has_tube(shot.day), told, 0.75, 0.30, rng)
    if patient.went_icu and row["in_icu"] == "N" and not told and rng.random() < 0.6:
        row["in_icu"] = ""  # blank does not mean no: future ICU patients are mostly blank
    if row["date"] in _MONTHS:
        row["date"] = f"{row['date']} {1 + max(shot.day, 0) % 28}, 2020"
    _measure(row, shot, 1.0 if told else 0.16, rng)
    row["clinical_notes"] = _describe(shot) if told or rng.random() < 0.82 else ""
    return row


def _extension(rng: np.random.Generator) -> str:
    """Draw a file extension at about the real rates."""
    return str(rng.choice(["jpg", "jpeg", "png"], p=(0.68, 0.28, 0.04)))


def _maybe(value: bool, always: bool, if_yes: float, if_no: float, rng: np.random.Generator) -> str:
    """Record a yes or no of the day with a chance."""
    kept = rng.random() < (if_yes if value else if_no) or always
    return ("Y" if value else "N") if kept else ""


def _measure(row: dict[str, str], shot: Shot, chance: float, rng: np.random.Generator) -> None:
    """Write temperature (C), oxygen (% or, at times, mmHg) and blood counts (10^3/uL)."""
    s = float(np.clip(shot.severity, 0, 1))
    noise = rng.normal(0, 1, 5)
    taken = rng.random(5) < chance * np.array([1.0, 1.2, 0.6, 0.7, 0.8])
    saturation = f"{np.clip(98.5 - 15 * s + noise[1], 55, 100):.0f}"
    in_mmhg = rng.random() < 0.12 and chance < 1
    values = {
        "temperature": f"{36.7 + 2.1 * s + 0.35 * noise[0]:.1f}",
        "pO2_saturation": f"{92 - 50 * s + 5 * noise[1]:.0f}" if in_mmhg else saturation,
        "leukocyte_count": f"{np.clip(6 + 6 * s + 1.4 * noise[2], 2, 25):.1f}",
        "neutrophil_count": f"{np.clip(3.6 + 6 * s + noise[3], 1, 20):.1f}",
        "lymphocyte_count": f"{np.clip(1.9 - 1.4 * s + 0.25 * noise[4], 0.2, 4):.1f}",
    }
    for (name, value), kept in zip(values.items(), taken, strict=True):
        row[name] = value if kept else ""


def _describe(shot: Shot) -> str:
    """Write a note that says first that the patient is synthetic."""
    words = ((0.08, "Clear lungs"), (0.25, "Faint opacities"), (0.5, "Bilateral opacities"))
    finding = next((text for limit, text in words if shot.severity < limit), "Dense opacities")
    if shot.patient.pattern == "lobar" and shot.severity >= 0.08:
        finding = "Lobar consolidation"
    tube = " Endotracheal tube in place." if shot.patient.has_tube(shot.day) else ""
    return f"Synthetic patient. {finding}.{tube}"


def _add_twins(
    rows: list[dict[str, str]],
    tasks: list[ImageTask],
    patients: list[Patient],
    n_twins: int,
    rng: np.random.Generator,
) -> list[list[str]]:
    """Give some persons a second id with a near-identical image, as published twice."""
    frontal = [
        i
        for i, task in enumerate(tasks)
        if task.shot.view in ("PA", "AP")
        and task.shot.number == 1
        and task.shot.patient.patient_id not in STORY_IDS
    ]
    same_person = []
    for k, i in enumerate(rng.choice(frontal, size=min(n_twins, len(frontal)), replace=False)):
        shot = tasks[int(i)].shot
        name = f"{900 + k}"
        row = dict(rows[int(i)], patientid=name, age="", license="", doi="", clinical_notes="")
        row["url"] = f"https://{_SHARED_SITES[0]}/synthetic/again-{k + 1}"
        row["filename"] = f"demo-{name}-1.jpg"
        if k == 0:
            row["view"] = "AP" if row["view"] == "PA" else "PA"  # the two records disagree
        rows.append(row)
        tasks.append(ImageTask(row["filename"], shot, trick="copy"))
        patients.append(replace(shot.patient, patient_id=name))
        same_person.append([shot.patient.patient_id, name])
    return same_person


def _plant_odd_files(
    rows: list[dict[str, str]], tasks: list[ImageTask], rng: np.random.Generator
) -> list[ImageTask]:
    """Leave out some files and make a few that no reader expects."""
    free = [
        i
        for i, task in enumerate(tasks)
        if not task.trick and task.shot.patient.patient_id not in STORY_IDS
    ]
    tricks = ["truncated", "png named jpg", "rgba", "palette"]
    tricks += ["missing"] * max(1, round(len(tasks) * 0.0145))
    tasks = list(tasks)
    for i, trick in zip(rng.permutation(free), tricks, strict=False):
        name = tasks[i].filename.rsplit(".", 1)[0]
        suffix = {"rgba": ".png", "palette": ".png", "png named jpg": ".jpg"}.get(trick, ".jpeg")
        rows[i]["filename"] = name + suffix
        tasks[i] = replace(tasks[i], filename=name + suffix, trick=trick)
    return tasks


def _plant_odd_values(rows: list[dict[str, str]], rng: np.random.Generator) -> None:
    """Write the odd values of the real collection into rows of their own."""
    free = [i for i, row in enumerate(rows) if row["patientid"] not in STORY_IDS]
    odd: list[tuple[str, str]] = [
        ("temperature", "95"),
        ("lymphocyte_count", "131"),
        ("lymphocyte_count", "10.1"),
        ("pO2_saturation", "340"),
        ("pO2_saturation", "61.3"),
    ]
    picked = [int(i) for i in rng.permutation(free)]
    for column, value in odd:
        rows[picked.pop()][column] = value
    for column in ("location", "location", "view", "finding"):
        i = next(i for i in picked if rows[i][column])
        picked.remove(i)
        rows[i][column] += " "
    vague = next((rows[i]["patientid"] for i in picked if rows[i]["finding"] == "Pneumonia"), None)
    for row in rows:
        if row["patientid"] == vague:
            row["finding"] = "Unknown"
    day_zero = [i for i in picked if rows[i]["offset"] == "0"]
    for i, value in zip(day_zero, ("-1", "-5", "-10", "-4"), strict=False):
        rows[i]["offset"] = value
    erect = next((i for i in picked if rows[i]["view"] == "AP" and rows[i]["offset"] == ""), None)
    if erect is not None:
        rows[erect]["view"] = "AP Erect"


def _choose_annotated(
    rows: list[dict[str, str]], tasks: list[ImageTask], rng: np.random.Generator
) -> list[ImageTask]:
    """Choose the images with severity scores, lung boxes and lung masks."""
    good = [
        i
        for i, task in enumerate(tasks)
        if task.shot.view in ("PA", "AP") and task.trick in ("", "rgba")
    ]
    told = [i for i in good if tasks[i].shot.patient.patient_id in STORY_IDS]
    covid = [i for i in good if "COVID" in rows[i]["finding"] and i not in told]
    n = len(tasks)
    score = {*told, *map(int, rng.permutation(covid)[: round(n * 0.14)])}
    box = {*told, *map(int, rng.permutation(good)[: round(n * 0.2)])}
    mask = {*told, *map(int, rng.permutation(good)[: round(n * 0.24)])}
    groups = (("score", score), ("box", box), ("mask", mask))
    return [
        replace(task, annotated=tuple(name for name, chosen in groups if i in chosen))
        for i, task in enumerate(tasks)
    ]


def _record_ct(
    rows: list[dict[str, str]], count: int, rng: np.random.Generator
) -> list[dict[str, str]]:
    """Write a few CT rows; their files are not part of the demo."""
    made = []
    for k, i in enumerate(rng.choice(len(rows), size=min(count, len(rows)), replace=False)):
        row = dict(rows[int(i)], modality="CT", view="Axial" if k % 5 else "Coronal")
        volume = k % 4 == 0
        row["folder"] = "volumes" if volume else "images"
        row["filename"] = f"demo-ct-{k + 1}." + ("nii.gz" if volume else "jpg")
        row.update(in_icu="", intubation_present="")
        made.append(row)
    return made
