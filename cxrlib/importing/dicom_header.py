"""What of a DICOM header leaves the reader: hashed ids, shifted days, and words of our own.

`READ` lists every attribute that is looked at, and what becomes of it. Nothing else of a header
becomes a value, and no value of these leaves as it stands: a `Film` holds ids by keyed hash, a day
shifted by a secret number, and words from lists in this program. So no name, date, accession
number, private element or overlay can reach a file, a message or a log.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cxrlib.errors import CxrError
from cxrlib.importing.dicom_views import (
    DESCRIPTIONS,
    VIEW_KEYWORDS,
    fold_text,
    read_codes,
    read_view,
)
from cxrlib.importing.pseudonyms import Pseudonyms

DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")

_DAY = "the day, counted from the patient's first study"
READ: dict[str, str] = {
    "PatientID": "patientid, by keyed hash",
    "IssuerOfPatientID": "compared, to flag one id of two hospitals",
    "SOPInstanceUID": "filename, by keyed hash",
    "StudyInstanceUID": "study, by keyed hash",
    **dict.fromkeys(DATES, f"offset: {_DAY}; the first of four that is given"),
    "PatientBirthDate": "age where PatientAge is blank; compared, to flag one id of two patients",
    "PatientAge": "age in years",
    "PatientSex": "sex",
    "Modality": "modality and acquisition",
    "PresentationIntentType": "raw images are left out unless they are asked for",
    "BodyPartExamined": "whether it is of the chest",
    "AnatomicRegionSequence": "whether it is of the chest; its codes",
    **dict.fromkeys(DESCRIPTIONS, "view and chest; single words of it are looked for"),
    "ViewPosition": "view",
    "ViewCodeSequence": "view; its codes",
    "PatientOrientation": "view: lateral or frontal",
    "PatientPosition": "view: supine",
    "PatientOrientationCodeSequence": "view: supine or erect; its codes",
    "BurnedInAnnotation": "text_burned_in",
    "BitsStored": "bits_stored",
}
"""Attributes that are looked at beside those that pixels depend on, and what becomes of each."""
KEYWORDS = tuple(dict.fromkeys((*READ, *VIEW_KEYWORDS)))

_CHEST_CODES = frozenset(("816094009", "51185008", "T-D3000", "39607008", "T-28000"))
_CHEST_PART = re.compile(r"CHEST|THORAX|TORAX|LUNG|PULMO|^CXR")
# "Chest and abdomen" is another picture.
_MORE_THAN_CHEST = re.compile(r"ABD|PELV|SPINE|NECK")
_CHEST_WORD = re.compile(r"(?<![A-Z])(?:CHEST|THORAX|TORAX|LUNGS?|LUNGE|CXR|PULMO\w*)(?![A-Z])")
_SEXES = {"M": "M", "F": "F", "MALE": "M", "FEMALE": "F"}
_AGE = re.compile(r"(\d{1,3})([DWMY]?)", re.ASCII)
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}
MAX_AGE = 130  # years, as in a cohort's table
OLDEST = 90
"""Ages from here on are written as this one: few people are as old, so an age could name them."""
FIRST_YEAR = 1950
"""Dates before are placeholders such as 1900-01-01: there was no digital radiography."""


@dataclass(frozen=True)
class Film:
    """Hold what leaves the reader of one radiograph's header.

    Parameters
    ----------
    image, patient, study : str
        Ids by keyed hash.
    likeness : str
        Keyed hash of the patient id without case, blanks, signs and leading zeros.
    bearer : str
        Keyed hash of sex, birth date and issuer: two of one patient id contradict each other.
    day : int or None
        Days, shifted by a number of this patient's own.
    sex, age, view, view_from, acquisition, burned_in : str
        Cells, "" where not recorded. Acquisition is CR, DX or RG.
    bits : int
    remarks : tuple of str
        What a reader of the report should know, as keys of `REMARKS`.
    """

    image: str
    patient: str
    likeness: str
    bearer: tuple[str, str, str]
    study: str
    day: int | None
    sex: str
    age: str
    view: str
    view_from: str
    acquisition: str
    burned_in: str
    bits: int
    remarks: tuple[str, ...]


REMARKS = {
    "no patient id": "no patient id: each study is counted as a patient of its own",
    "no image id": "no SOPInstanceUID: the image is named by its content",
    "no date": "no date of the study: no day",
    "placeholder date": f"the date is before {FIRST_YEAR} or in the future: no day",
    "old": f"an age of {OLDEST} or more: written as {OLDEST}",
    "age by birth date": "no age: computed from the birth date",
    "age not understood": "the age is not understood: not recorded",
    "age without unit": "an age without a unit: read as years",
    "sex not understood": "the sex is neither M nor F: not recorded",
    "view not understood": "ViewPosition holds no view that is known",
    "view contradicted": "view and PatientOrientation contradict each other: the view is kept",
    "no view": "no view is recorded",
    "chest assumed": "no body part is recorded: taken as chest, as was asked for",
    "chest by words": "no body part is recorded: chest by a word of a description",
}


class LeftOutError(CxrError):
    """Report that a file is no radiograph of the chest; the message is the reason, a clause."""


@dataclass(frozen=True)
class DicomOptions:
    """Choose what of a DICOM folder is imported.

    Parameters
    ----------
    assume_chest : bool, default False
        Whether radiographs without any recorded body part are of the chest.
    keep_raw : bool, default False
        Whether raw images of a detector ("for processing") are kept.
    n_workers : int, optional
        Processes; all cores, at most eight, if not given. 0 works in this process: for trusted
        files only.
    """

    assume_chest: bool = False
    keep_raw: bool = False
    n_workers: int | None = None


def describe_film(
    header: Any,  # noqa: ANN401
    content: str,
    pseudonyms: Pseudonyms,
    options: DicomOptions,
    today: dt.date,
) -> Film:
    """Take what may leave from a header.

    Parameters
    ----------
    header : pydicom Dataset
        With the attributes of `KEYWORDS` that are there.
    content : str
        Names the file's content where no SOPInstanceUID does.
    pseudonyms : Pseudonyms
    options : DicomOptions
    today : date
        Later dates are placeholders.

    Raises
    ------
    LeftOutError
        If it is not of the chest, or raw.
    """
    remarks = [_check_chest(header, options)]
    if fold_text(header.get("PresentationIntentType")) == "FOR PROCESSING" and not options.keep_raw:
        raise LeftOutError("it is a raw image of the detector (for processing)")
    image, study, number = (
        _clean(header, keyword) for keyword in ("SOPInstanceUID", "StudyInstanceUID", "PatientID")
    )
    remarks += ["" if number else "no patient id", "" if image else "no image id"]
    image = image or f"content {content}"
    patient = pseudonyms.name_patient(number or f"study {study or image}")
    date, why_no_date = _read_study_date(header, today)
    age, why_age = _read_age(header, date)
    sex = _SEXES.get(fold_text(header.get("PatientSex")), "")
    view = read_view(header)
    remarks += [
        why_no_date,
        why_age,
        "sex not understood" if fold_text(header.get("PatientSex")) and not sex else "",
        "view not understood" if view.not_understood else "",
        "view contradicted" if view.contradicted else "",
        "" if view.view else "no view",
    ]
    return Film(
        image=pseudonyms.name("image", image, length=20),
        patient=patient,
        likeness=pseudonyms.name("likeness", _simplify(number)) if number else "",
        bearer=_hash_bearer(header, sex, pseudonyms),
        study=pseudonyms.name("study", study or image),
        day=None if date is None else date.toordinal() + pseudonyms.shift_days(patient),
        sex=sex,
        age=age,
        view=view.view,
        view_from=view.origin,
        acquisition=fold_text(header.get("Modality")),
        burned_in={"YES": "yes", "NO": "no"}.get(fold_text(header.get("BurnedInAnnotation")), ""),
        bits=int(header.get("BitsStored") or 0),
        remarks=tuple(filter(None, remarks)),
    )


def _clean(header: Mapping[str, Any], keyword: str) -> str:
    """Give an id without the blanks and zeros that files are filled up with."""
    return str(header.get(keyword) or "").strip(" \0")


def _simplify(number: str) -> str:
    """Take case, blanks, signs and leading zeros out of a patient id."""
    plain = re.sub(r"[\W_]", "", number.casefold())
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain) or number


def _hash_bearer(
    header: Mapping[str, Any], sex: str, pseudonyms: Pseudonyms
) -> tuple[str, str, str]:
    birth, issuer = _clean(header, "PatientBirthDate"), _clean(header, "IssuerOfPatientID")
    return (
        sex,
        pseudonyms.name("birth", birth) if birth else "",
        pseudonyms.name("issuer", issuer) if issuer else "",
    )


def _check_chest(header: Mapping[str, Any], options: DicomOptions) -> str:
    """Raise where it is not of the chest; return a remark where that was not recorded."""
    part = fold_text(header.get("BodyPartExamined"))
    codes = {code for code in read_codes(header, "AnatomicRegionSequence") if code}
    if part or codes:
        by_part = bool(_CHEST_PART.search(part)) and not _MORE_THAN_CHEST.search(part)
        if by_part or (not part and codes & _CHEST_CODES):
            return ""
        raise LeftOutError("it is not of the chest, by its body part")
    texts = [fold_text(header.get(keyword)) for keyword in DESCRIPTIONS]
    named = [text for text in texts if _CHEST_WORD.search(text)]
    if any(not _MORE_THAN_CHEST.search(text) for text in named):
        return "chest by words"
    if options.assume_chest and not named:
        return "chest assumed"
    raise LeftOutError("no body part is recorded, and no description says chest")


def _read_study_date(header: Mapping[str, Any], today: dt.date) -> tuple[dt.date | None, str]:
    """Read the date of an image's study, or why there is none."""
    stated = [_clean(header, keyword) for keyword in DATES]
    dates = [date for text in stated if (date := _parse_date(text))]
    real = [date for date in dates if date.year >= FIRST_YEAR and date <= today]
    if real:
        return real[0], ""
    return None, "placeholder date" if dates else "no date"


def _parse_date(text: str) -> dt.date | None:
    """Read a date, also as the standard's first version wrote it (1997.04.22)."""
    digits = text.replace(".", "").replace("-", "")[:8]
    if not re.fullmatch(r"\d{8}", digits, re.ASCII):
        return None
    try:
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _read_age(header: Mapping[str, Any], date: dt.date | None) -> tuple[str, str]:
    """Give the age in years as a cell, with a remark."""
    stated = fold_text(header.get("PatientAge"))
    match = _AGE.fullmatch(stated)
    if match and (match[2] in ("D", "W", "M") or int(match[1]) <= MAX_AGE):
        years = int(match[1]) * _YEARS[match[2]]
        remark = "" if match[2] else "age without unit"
    else:
        birth = _parse_date(_clean(header, "PatientBirthDate"))
        if birth is None or date is None or not 0 <= (days := (date - birth).days) <= MAX_AGE * 366:
            return "", "age not understood" if stated else ""
        is_before = (date.month, date.day) < (birth.month, birth.day)
        years = days / 365.25 if days < 730 else date.year - birth.year - is_before
        remark = "age by birth date"
    if years >= OLDEST:
        return str(OLDEST), "old"
    return f"{years:.2f}".rstrip("0").rstrip("."), remark
