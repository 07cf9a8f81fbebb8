"""The planted truth of the demo cohort, in plain words and numbers."""

from cxrlib.synthetic.course import STORY_IDS, ZONES
from cxrlib.synthetic.places import HOSPITALS, STYLE_SIGN
from cxrlib.synthetic.records import SimulatedCohort

__all__ = ["VERSION", "describe_planted"]

#: Changes whenever the same seed gives other bytes.
VERSION = 2


def describe_planted(cohort: SimulatedCohort) -> dict[str, object]:
    """Describe all that was planted, for tests and for the panel "what was planted".

    Returns
    -------
    dict
        Goes into planted.json as it is.
    """
    ids = {row["patientid"] for row in cohort.rows}
    return {
        "synthetic": True,
        "name": "Demo (synthetic)",
        "seed": cohort.seed,
        "version": VERSION,
        "n_patients": len(ids),
        "note": "No image shows a person; hospitals, sites and articles are invented.",
        "story": _describe_story(),
        "planted": {
            "style": _describe_style(),
            "severity": _describe_severity(cohort),
            "same_person": {
                "words": "These ids are one person: the second id was published again with a "
                "near-identical image. In the first pair the two records disagree on the view.",
                "groups": cohort.same_person,
            },
            "odd_files": {task.filename: task.trick for task in cohort.tasks if task.trick},
            "not_estimable": {
                "words": "Oceania has fewer than five patients of one class in every "
                "classification task: no score of it means anything.",
                "region": "Oceania",
            },
        },
    }


def _describe_story() -> dict[str, object]:
    """Describe the two contrasting courses, one sentence each."""
    worse, better = STORY_IDS
    return {
        "patients": [worse, better],
        "captions": {
            worse: "A man of 63 whose lungs fill from below within ten days: intensive care on "
            "day 6, a tube on day 7, death on day 14.",
            better: "A woman of 47 who worsens until day 8, needs oxygen but no intensive care, "
            "and goes home with clear lungs.",
        },
    }


def _describe_style() -> dict[str, object]:
    """Describe the planted style of hospitals."""
    return {
        "words": "In each region the sicker patients are sent to referral hospitals, whose images "
        "differ in style: soft and bright in Asia, the Americas and Oceania, crisp and dark in "
        "Europe and Africa; the other hospitals of the region are the reverse. Style predicts the "
        "outcome within a region and misleads across regions.",
        "referral_style_sign": {region or "Unknown": sign for region, sign in STYLE_SIGN.items()},
        "share_sent_to_referral": {"ICU or died": 0.90, "others": 0.12},
        "referral_hospitals": [h.name for h in HOSPITALS if h.is_referral and h.region],
    }


def _describe_severity(cohort: SimulatedCohort) -> dict[str, object]:
    """Describe how severity makes outcomes, everywhere alike."""
    patients = {patient.patient_id: patient for patient in cohort.patients}.values()
    peaks = {
        "died": [p.peak for p in patients if p.died],
        "intubated": [p.peak for p in patients if p.intubated],
        "ICU": [p.peak for p in patients if p.went_icu],
        "none of these": [p.peak for p in patients if not (p.died or p.intubated or p.went_icu)],
    }
    return {
        "words": "The filled share of the lungs (six zones) follows a course over days; the worse "
        "its peak, the more likely ICU, tube and death, in every region alike. The true severity "
        "of each image stands in annotations/planted-images.csv.",
        "zones": list(ZONES),
        "mean_peak": {name: round(sum(v) / len(v), 3) for name, v in peaks.items() if v},
    }
