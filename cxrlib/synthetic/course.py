"""Simulated patients and the course of their illness, without a single image.

The hidden truth comes first: how severe the illness gets, how fast, in which zones of the
lung. Outcomes follow from it with noise, within each region alike. What a record shows of all
this (blanks, codes, odd values) is the business of `records`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cxrlib.synthetic.places import HOSPITALS, REGIONS, Hospital

__all__ = [
    "STORY_IDS",
    "ZONES",
    "Patient",
    "Shot",
    "severity_on",
    "simulate_patients",
    "simulate_shots",
    "zone_severity_on",
]

#: Six lung zones; right and left are the patient's.
ZONES: tuple[str, ...] = (
    "right upper",
    "right middle",
    "right lower",
    "left upper",
    "left middle",
    "left lower",
)

#: The two patients of the demo's story: one deteriorates and dies, one recovers.
STORY_IDS: tuple[str, str] = ("12", "29")

_REGION_SHARE = dict(zip(REGIONS, (0.24, 0.24, 0.232, 0.12, 0.08, 0.088), strict=True))

# Shares of findings: dense regions, Africa and the unknown, and Oceania, which must not be
# estimable for any task (fewer than five of a class).
_FINDINGS: tuple[tuple[str, str, float, float], ...] = (
    ("Pneumonia/Viral/COVID-19", "peripheral", 0.50, 0.80),
    ("Pneumonia/Viral/SARS", "peripheral", 0.035, 0.0),
    ("Pneumonia/Viral/Influenza", "diffuse", 0.035, 0.0),
    ("Pneumonia/Viral/MERS-CoV", "peripheral", 0.02, 0.0),
    ("Pneumonia/Viral/Varicella", "diffuse", 0.015, 0.0),
    ("Pneumonia/Bacterial/Streptococcus", "lobar", 0.12, 0.10),
    ("Pneumonia/Bacterial/Klebsiella", "lobar", 0.05, 0.05),
    ("Pneumonia/Bacterial/Legionella", "lobar", 0.04, 0.0),
    ("Pneumonia/Bacterial/Mycoplasma", "diffuse", 0.03, 0.0),
    ("Pneumonia/Bacterial", "lobar", 0.015, 0.0),
    ("Pneumonia/Fungal/Pneumocystis", "perihilar", 0.03, 0.0),
    ("Pneumonia", "peripheral", 0.02, 0.0),
    ("Pneumonia/Lipoid", "lobar", 0.01, 0.0),
    ("Tuberculosis", "upper", 0.02, 0.0),
    ("No Finding", "none", 0.03, 0.05),
    ("todo", "diffuse", 0.025, 0.0),
    ("Unknown", "peripheral", 0.005, 0.0),
)

# Relative weight of each zone, in the order of ZONES.
_PATTERN: dict[str, tuple[float, ...]] = {
    "peripheral": (0.45, 0.80, 1.0, 0.45, 0.80, 1.0),
    "diffuse": (0.75, 0.90, 0.90, 0.75, 0.90, 0.90),
    "perihilar": (0.60, 1.0, 0.70, 0.60, 1.0, 0.70),
    "upper": (1.0, 0.45, 0.15, 0.85, 0.35, 0.10),
    "lobar": (0.2, 0.2, 0.2, 0.2, 0.2, 0.2),
    "none": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
}

_N_SHOTS = (1, 2, 3, 4, 5, 6, 8)
_N_SHOTS_MILD = (0.30, 0.27, 0.20, 0.12, 0.06, 0.04, 0.01)
_N_SHOTS_SEVERE = (0.05, 0.15, 0.24, 0.22, 0.17, 0.11, 0.06)


@dataclass(frozen=True)
class Patient:
    """Hold one simulated person under one id, with everything that is true of them.

    Parameters
    ----------
    index : int
        Position in the simulation; seeds the anatomy.
    patient_id : str
        The id as recorded.
    hospital : Hospital
        Where the images were taken.
    peak : float
        Greatest severity, 0 to 1.
    peak_day : float
        Days after onset at which it is reached.
    zone_weights : tuple of float
        Share of the severity that reaches each of `ZONES`.
    icu_day, tube_day, end_day : float or None
        Days of entering the ICU, of intubation, and of death or of leaving the ICU.
    """

    index: int
    patient_id: str
    hospital: Hospital
    sex: str
    age: int
    finding: str
    pattern: str
    peak: float
    peak_day: float
    zone_weights: tuple[float, ...]
    died: bool = False
    went_icu: bool = False
    intubated: bool = False
    icu_day: float | None = None
    tube_day: float | None = None
    end_day: float | None = None

    @property
    def region(self) -> str:
        """Give the region, "" where the location is blank."""
        return self.hospital.region

    def in_icu(self, day: float) -> bool:
        """Tell whether the patient is in the ICU on a day."""
        return self.icu_day is not None and self.icu_day <= day <= (self.end_day or np.inf)

    def has_tube(self, day: float) -> bool:
        """Tell whether the patient has a tube on a day."""
        leaves = np.inf if self.end_day is None else self.end_day - (0 if self.died else 2)
        return self.tube_day is not None and self.tube_day <= day <= leaves


@dataclass(frozen=True)
class Shot:
    """Hold one radiograph that was truly taken: day, view and severity by zone."""

    patient: Patient
    number: int
    day: int
    view: str
    zone_severity: tuple[float, ...]

    @property
    def severity(self) -> float:
        """Give the mean severity over the six zones, 0 to 1."""
        return float(np.mean(self.zone_severity))


def severity_on(patient: Patient, day: float) -> float:
    """Compute the severity of a patient's illness on a day, 0 to 1.

    It rises from 30 % of the peak to the peak, then stays for those who die and falls by half
    every six days for the others.
    """
    if day <= patient.peak_day:
        rise = np.clip(day / max(patient.peak_day, 1.0), 0.0, 1.0)
        return float(patient.peak * (0.30 + 0.70 * rise * rise * (3 - 2 * rise)))
    if patient.died:
        return patient.peak
    return float(patient.peak * (0.08 + 0.92 * 0.5 ** ((day - patient.peak_day) / 6.0)))


def zone_severity_on(patient: Patient, day: float) -> tuple[float, ...]:
    """Compute the severity in each of `ZONES` on a day, each 0 to 1."""
    severity = severity_on(patient, day)
    return tuple(round(float(min(1.0, severity * weight)), 4) for weight in patient.zone_weights)


def simulate_patients(n_patients: int, rng: np.random.Generator) -> list[Patient]:
    """Simulate patients with finding, severity and outcomes, region by region.

    Parameters
    ----------
    n_patients : int
        How many; the two of the story are among them.
    rng : Generator
        The only source of chance.

    Returns
    -------
    list of Patient
        Without days of ICU and tube, which `simulate_shots` fits to the images.
    """
    sizes = _share_out(n_patients, [_REGION_SHARE[region] for region in REGIONS])
    patients: list[Patient] = []
    for region, size in zip(REGIONS, sizes, strict=True):
        patients += _simulate_region(region, size, len(patients), rng)
    ids = _draw_ids(len(patients), rng)
    named = zip(patients, ids, strict=True)
    return _cast_story([replace(patient, patient_id=name) for patient, name in named])


def _share_out(total: int, shares: Sequence[float]) -> list[int]:
    """Split a total into whole numbers in proportion (largest remainder)."""
    exact = np.asarray(shares, dtype=float) / np.sum(shares) * total
    counts = np.floor(exact).astype(int)
    for i in np.argsort(-(exact - counts), kind="stable")[: total - counts.sum()]:
        counts[i] += 1
    return [int(count) for count in counts]


def _simulate_region(region: str, size: int, first: int, rng: np.random.Generator) -> list[Patient]:
    """Simulate one region: findings by quota, outcomes by rank of a noisy risk."""
    sparse = region == "Oceania"
    counts = _share_out(size, [row[3] if sparse else row[2] for row in _FINDINGS])
    kinds = [row for row, count in zip(_FINDINGS, counts, strict=True) for _ in range(count)]
    patients = [_draw_patient(first + i, region, kinds[i], rng) for i in range(size)]
    risk = np.array([patient.peak for patient in patients])
    icu_rank = _rank(risk + rng.normal(0, 0.10, size))
    tube_rank = _rank(risk + rng.normal(0, 0.10, size) - 0.25 * (icu_rank >= 0.5))
    age = np.array([patient.age for patient in patients])
    death_rank = _rank(risk + 0.004 * (age - 60) + rng.normal(0, 0.09, size))
    shares = (0.12, 0.10, 0.08) if sparse else (0.40, 0.30, 0.27)
    ill = np.array([patient.pattern != "none" for patient in patients], dtype=bool)
    intubated = ill & (tube_rank < shares[1])
    went_icu = intubated | (ill & (icu_rank < shares[0]))
    outcomes = zip(patients, went_icu, intubated, ill & (death_rank < shares[2]), strict=True)
    done = [
        replace(patient, went_icu=bool(icu), intubated=bool(tube), died=bool(dead))
        for patient, icu, tube, dead in outcomes
    ]
    return [replace(p, hospital=_choose_hospital(region, p, rng)) for p in done]


def _rank(values: np.ndarray) -> np.ndarray:
    """Rank from the greatest, as a share: 0 for the greatest, below 1 for the least."""
    order = np.argsort(-values, kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(len(values)) / max(len(values), 1)
    return ranks


def _draw_patient(
    index: int, region: str, kind: tuple[str, str, float, float], rng: np.random.Generator
) -> Patient:
    """Draw one person and the size of their illness."""
    finding, pattern = kind[:2]
    peak = 0.0 if pattern == "none" else float(np.clip(rng.beta(1.7, 1.7), 0.06, 0.98))
    if region == "Oceania":
        peak *= 0.75
    weights = np.array(_PATTERN[pattern])
    if pattern == "lobar":
        weights = weights * rng.uniform(0.3, 1.6)
        weights[rng.choice(6, p=(0.14, 0.18, 0.24, 0.1, 0.12, 0.22))] = 1.35
        weights[rng.choice(6)] += 0.3
    else:
        side = rng.normal(0, 0.12)
        weights = weights * np.clip(rng.normal(1.0, 0.16, 6), 0.4, 1.5)
        weights *= 1 + side * np.array([1, 1, 1, -1, -1, -1])
        weights *= rng.uniform(0.95, 1.15)
    place = next(hospital for hospital in HOSPITALS if hospital.region == region)
    return Patient(
        index=index,
        patient_id="",
        hospital=place,
        sex="M" if rng.random() < 0.62 else "F",
        age=int(np.clip(rng.normal(56, 16), 19, 94)),
        finding=finding,
        pattern=pattern,
        peak=peak,
        peak_day=float(rng.uniform(7, 12)),
        zone_weights=tuple(float(weight) for weight in np.clip(weights, 0, 1.5)),
    )


def _choose_hospital(region: str, patient: Patient, rng: np.random.Generator) -> Hospital:
    """Send most of the sick to a referral hospital: this is what plants the style."""
    bad = patient.went_icu or patient.died
    wants_referral = rng.random() < (0.90 if bad else 0.12)
    places = [h for h in HOSPITALS if h.region == region and h.is_referral == wants_referral]
    return places[int(rng.integers(len(places)))]


def _draw_ids(count: int, rng: np.random.Generator) -> list[str]:
    """Draw ids as text, in no order of region; a few carry a letter, as real ones do."""
    free = [str(number) for number in range(1, count + 40) if str(number) not in STORY_IDS]
    rng.shuffle(free)
    ids = free[:count]
    for i in range(3, count, 31):
        ids[i] += "abc"[i % 3]
    return ids


def _cast_story(patients: list[Patient]) -> list[Patient]:
    """Turn one patient of Asia and one of Europe into the two of the story."""
    cast = list(patients)
    parts = (
        ("Asia", "M", 63, 0.97, 10.0, (0.62, 0.98, 1.0, 0.55, 0.92, 1.0), True),
        ("Europe", "F", 47, 0.62, 8.0, (0.45, 0.85, 1.05, 0.35, 0.80, 1.0), False),
    )
    for name, (region, sex, age, peak, peak_day, weights, dies) in zip(
        STORY_IDS, parts, strict=True
    ):
        at = next(i for i, p in enumerate(cast) if p.region == region)
        cast[at] = replace(
            cast[at],
            patient_id=name,
            sex=sex,
            age=age,
            finding="Pneumonia/Viral/COVID-19",
            pattern="peripheral",
            peak=peak,
            peak_day=peak_day,
            zone_weights=weights,
            died=dies,
            went_icu=dies,
            intubated=dies,
            hospital=next(h for h in HOSPITALS if h.region == region and h.is_referral == dies),
        )
    return cast


def simulate_shots(patient: Patient, rng: np.random.Generator) -> tuple[Patient, list[Shot]]:
    """Simulate when and how a patient was imaged, with the days of ICU and tube.

    The first image of a patient who goes to the ICU is always taken before: a prediction needs
    it. Returns the patient with the days filled in, and the images by day.
    """
    if patient.patient_id in STORY_IDS:
        return _simulate_story(patient)
    severe = patient.went_icu or patient.died
    chances = _N_SHOTS_SEVERE if severe else _N_SHOTS_MILD
    n_shots = int(rng.choice(_N_SHOTS, p=chances))
    days = _draw_days(n_shots, severe, rng)
    patient = _date_events(patient, days, rng)
    shots = [
        _take(patient, number, day, _draw_view(patient, day, days, rng))
        for number, day in enumerate(days)
    ]
    if rng.random() < (0.10 if severe else 0.50) and shots[0].view in ("PA", "AP"):
        shots.insert(1, _take(patient, 0, shots[0].day, "L"))
    return patient, [replace(shot, number=i) for i, shot in enumerate(shots, start=1)]


def _draw_days(n_shots: int, severe: bool, rng: np.random.Generator) -> list[int]:
    """Draw the days of the images: a dense start, long gaps, now and then two on one day."""
    chances = (0.18, 0.09, 0.14, 0.19, 0.14, 0.11, 0.09, 0.06)
    day = int(rng.choice(len(chances), p=chances))
    if n_shots == 1 and day == 0:
        day = 3
    days = [day]
    if n_shots > 3 and rng.random() < 0.02:
        days = [-int(rng.integers(1, 6))]
    while len(days) < n_shots:
        if days[-1] <= 0:
            step = int(rng.integers(1, 6)) - min(days[-1], 0)
        elif rng.random() < 0.09:
            step = 0
        elif not severe and len(days) >= 2 and rng.random() < 0.3:
            step = int(rng.choice([14, 21, 28, 30, 60, 75, 90, 120]))
        else:
            step = int(rng.choice([1, 2, 3, 4, 6], p=(0.24, 0.3, 0.24, 0.13, 0.09)))
        days.append(days[-1] + step)
    return days


def _date_events(patient: Patient, days: list[int], rng: np.random.Generator) -> Patient:
    """Put the days of ICU, tube and death where the images can show them."""
    first = next((day for day in days if day > 0), max(days[-1], 1))
    last = max(days[-1], first)
    icu_day = first + 0.5 + int(rng.integers(0, 3)) if patient.went_icu else None
    tube_day = icu_day + int(rng.integers(0, 2)) if patient.intubated and icu_day else None
    end_day: float | None = None
    if patient.died:
        end_day = max(last, icu_day or 0, tube_day or 0) + 1
    elif icu_day is not None:
        end_day = icu_day + int(rng.integers(5, 16))
    return replace(patient, icu_day=icu_day, tube_day=tube_day, end_day=end_day)


def _draw_view(patient: Patient, day: int, days: list[int], rng: np.random.Generator) -> str:
    """Draw the view: the ICU images lying patients, the ward standing ones."""
    severity = severity_on(patient, day)
    if patient.in_icu(day) or patient.has_tube(day):
        return "AP Supine" if rng.random() < 0.68 else "AP"
    in_window = 0 < day < 8 and day == next((d for d in days if d > 0), None)
    supine = 0.04 if in_window else 0.10 + 0.15 * severity
    if rng.random() < supine:
        return "AP Supine"
    return "AP" if rng.random() < 0.10 + 0.42 * severity else "PA"


def _take(patient: Patient, number: int, day: int, view: str) -> Shot:
    """Make one image of the patient's state on a day."""
    return Shot(patient, number, day, view, zone_severity_on(patient, day))


def _simulate_story(patient: Patient) -> tuple[Patient, list[Shot]]:
    """Give the two patients of the story their days and views."""
    if patient.died:
        patient = replace(patient, icu_day=5.5, tube_day=6.5, end_day=14.0)
        days, views = (1, 3, 5, 7, 9, 11, 13), ["PA", "PA", "AP", *["AP Supine"] * 4]
    else:
        days, views = (1, 4, 7, 10, 14, 21, 35), ["PA", "PA", "AP", *["PA"] * 4]
    plan = zip(days, views, strict=True)
    return patient, [_take(patient, i, *each) for i, each in enumerate(plan, start=1)]
