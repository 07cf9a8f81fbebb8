"""The view of a radiograph, from what a DICOM header says in four places.

In this order, the first that gives a view: ViewPosition; the code of ViewCodeSequence; one of the
descriptions, where exactly one view is named in it; PatientOrientation, which knows a lateral image
from a frontal one, though not from which side that was taken. An AP image is *AP Supine* or *AP
Erect* where a code, PatientPosition or a word says how the patient was placed. Only these words
leave this module, never the text they were found in.

References: DICOM PS3.3 C.7.6.1.1.1 and C.8.11.5; PS3.16 CID 19, 20 and 4010.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DESCRIPTIONS = (
    *("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription"),
    *("PerformedProcedureStepDescription", "StudyDescription", "RequestedProcedureDescription"),
)
"""Free text about an image, the nearest to it first."""

VIEW_KEYWORDS = (
    *("ViewPosition", "ViewCodeSequence", "PatientOrientation", "PatientPosition"),
    *("PatientOrientationCodeSequence", *DESCRIPTIONS),
)

_PA, _AP, _SUPINE, _ERECT, _LATERAL = "PA", "AP", "AP Supine", "AP Erect", "L"

_POSITIONS = {
    **dict.fromkeys(("PA", "POSTEROANTERIOR", "POSTERIORANTERIOR"), _PA),
    **dict.fromkeys(("AP", "ANTEROPOSTERIOR", "ANTERIORPOSTERIOR"), _AP),
    **dict.fromkeys(("APSUPINE", "SUPINE", "SUPINEAP"), _SUPINE),
    **dict.fromkeys(("APERECT", "ERECTAP", "APUPRIGHT"), _ERECT),
    **dict.fromkeys(("L", "LL", "RL", "LAT", "LATERAL", "LLAT", "RLAT", "LATL", "LATR"), _LATERAL),
    **dict.fromkeys(("LEFTLATERAL", "RIGHTLATERAL", "LLATERAL", "RLATERAL"), _LATERAL),
}
_CODES = {
    **dict.fromkeys(("399348003", "R-10206"), _AP),
    **dict.fromkeys(("272479007", "R-40888", "R-10214"), _PA),
    **dict.fromkeys(("399173006", "R-10236", "399198007", "R-10232", "399067008"), _LATERAL),
}
_PLACED = {
    **dict.fromkeys(("102538003", "F-10450", "40199007", "F-10340"), "supine"),
    **dict.fromkeys(("C86043", "F-10440", "10904000", "F-10320"), "erect"),
}
_LYING_ON_THE_BACK = ("HFS", "FFS")

_WORDS = {
    _PA: r"P\.?\s?A\.?|POST(?:ERO|ERIOR)?[ _-]*ANT(?:ERIOR)?",
    _AP: r"A\.?\s?P\.?|ANT(?:ERO|ERIOR)?[ _-]*POST(?:ERIOR)?",
    _LATERAL: r"LAT|LATERAL[EI]?S?|SEITL|SEITLICH|PROFIL[EO]?",
}
_PLACING = {
    "supine": r"SUPINE|LIEGEND|IM LIEGEN|COUCHE|SUPINO",
    "erect": r"(?<!SEMI)(?<!SEMI[ _-])(?:ERECT|UPRIGHT)|STANDING|STEHEND|IM STEHEN|DEBOUT",
}


def _compile(words: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    return {
        name: re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", re.ASCII)
        for name, pattern in words.items()
    }


_WORD_PATTERNS, _PLACING_PATTERNS = _compile(_WORDS), _compile(_PLACING)


@dataclass(frozen=True)
class View:
    """Hold what is known of an image's view.

    Parameters
    ----------
    view : str
        One of the views of X-rays, "" where none is known.
    origin : str
        Keyword of the attribute that said it, "" where none did.
    not_understood : bool
        Whether ViewPosition holds something else than these views.
    contradicted : bool
        Whether PatientOrientation tells a lateral image from a frontal one, and differently.
    """

    view: str
    origin: str
    not_understood: bool = False
    contradicted: bool = False


def read_view(header: Mapping[str, Any]) -> View:
    """Read the view of an image.

    Parameters
    ----------
    header : mapping
        Keyword to value, such as a pydicom Dataset; `VIEW_KEYWORDS` are looked at.

    Examples
    --------
    >>> read_view({"ViewPosition": "AP", "SeriesDescription": "Thorax liegend"})
    View(view='AP Supine', origin='ViewPosition', not_understood=False, contradicted=False)
    """
    position = fold_text(header.get("ViewPosition"))
    seen = _read_orientation(header)
    found = next(_find_views(header, position, seen), ("", ""))
    view = _place(header) if found[0] == _AP else found[0]
    is_other = bool(view) and bool(seen) and (view == _LATERAL) != (seen == _LATERAL)
    is_strange = bool(position) and re.sub(r"[\W_]", "", position) not in _POSITIONS
    return View(view, found[1], not_understood=is_strange, contradicted=is_other)


def fold_text(value: object) -> str:
    """Write a value in capitals; several as one text."""
    if value is None or isinstance(value, bytes):
        return ""
    if not isinstance(value, str) and isinstance(value, Sequence):
        return " ".join(map(str, value)).upper().strip()
    return str(value).upper().strip()


def read_codes(header: Mapping[str, Any], keyword: str) -> list[str]:
    """List the codes of a sequence, those of its modifiers after each."""
    codes = []
    for item in header.get(keyword) or ():
        codes.append(str(item.get("CodeValue") or ""))
        inner = keyword.replace("CodeSequence", "ModifierCodeSequence")
        codes += [str(each.get("CodeValue") or "") for each in item.get(inner) or ()]
    return codes


def _find_views(header: Mapping[str, Any], position: str, seen: str) -> Iterator[tuple[str, str]]:
    """Give each view that is said, and where; the surest first."""
    if view := _POSITIONS.get(re.sub(r"[\W_]", "", position)):
        yield view, "ViewPosition"
    for code in read_codes(header, "ViewCodeSequence"):
        if code in _CODES:
            yield _CODES[code], "ViewCodeSequence"
    for keyword in DESCRIPTIONS:
        text = fold_text(header.get(keyword))
        named = [view for view, pattern in _WORD_PATTERNS.items() if pattern.search(text)]
        if len(named) == 1:  # "PA and lateral" is said of a whole study
            yield named[0], keyword
    if seen == _LATERAL:
        yield _LATERAL, "PatientOrientation"


def _read_orientation(header: Mapping[str, Any]) -> str:
    """Tell a lateral image ("L") from a frontal one ("frontal"); "" where it is not said.

    The direction of the rows: to the front or back of a patient seen from the side.
    """
    value = header.get("PatientOrientation")
    first = str(value[0] if isinstance(value, Sequence) and len(value) else value or "").strip()
    if first[:1] in ("A", "P"):
        return _LATERAL
    return "frontal" if first[:1] in ("L", "R") else ""


def _place(header: Mapping[str, Any]) -> str:
    """Tell how the patient of an AP image was placed, where something says so."""
    codes = read_codes(header, "PatientOrientationCodeSequence")
    placed = {_PLACED[code] for code in codes if code in _PLACED}
    if not placed and fold_text(header.get("PatientPosition")) in _LYING_ON_THE_BACK:
        placed = {"supine"}
    for keyword in ("ViewPosition", *DESCRIPTIONS) if not placed else ():
        text = fold_text(header.get(keyword))
        placed |= {name for name, pattern in _PLACING_PATTERNS.items() if pattern.search(text)}
    views = {"supine": _SUPINE, "erect": _ERECT}
    return views[placed.pop()] if len(placed) == 1 else _AP
