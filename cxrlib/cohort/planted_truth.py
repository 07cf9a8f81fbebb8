"""The planted truth of a synthetic cohort: planted.json, checked once when it is read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cxrlib.cohort.input_problems import ProblemLog
from cxrlib.storage import read_regular
from cxrlib.system import describe_read_error

PLANTED_FILE = "planted.json"
MAX_BYTES = 16 << 20


def read_planted(root: Path, problems: ProblemLog) -> tuple[dict[str, Any], bool]:
    """Read the planted truth of a cohort, and whether it is synthetic.

    A damaged file still says that the cohort is made up: taking made-up patients for real
    ones is the worse mistake. Parts of another shape than the program reads are left out
    and written down.

    Parameters
    ----------
    root : Path
        The cohort's folder.
    problems : ProblemLog
        Gets a line for a damaged file, and for each part left out.

    Returns
    -------
    planted : dict
        The file's content. If they are there, name is a text, story an object whose patients
        are a list of texts and whose captions are texts by patient, planted an object of
        objects whose words are texts.
    is_synthetic : bool
        False without a file, or where it says so.
    """
    try:
        planted = json.loads(read_regular(root / PLANTED_FILE, max_bytes=MAX_BYTES))
        # JSON can hold halves of surrogate pairs, which no screen and no file takes.
        planted = json.loads(make_encodable(json.dumps(planted, ensure_ascii=False)))
    except FileNotFoundError:
        return {}, False
    except OSError as error:
        reason = f"the file cannot be read: {describe_read_error(error)}"
        problems.add(PLANTED_FILE, reason, "treated as synthetic")
        return {}, True
    except (ValueError, RecursionError) as error:
        problems.add(PLANTED_FILE, f"the file is not JSON ({error})", "treated as synthetic")
        return {}, True
    if not isinstance(planted, dict):
        problems.add(PLANTED_FILE, "the file is not a JSON object", "treated as synthetic")
        return {}, True
    is_synthetic = planted.get("synthetic", True) is not False
    _leave_out_strangers(planted, problems)
    return planted, is_synthetic


def make_encodable(text: str) -> str:
    """Replace what has no UTF-8 form: half surrogate pairs, bytes of a name that is none."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _leave_out_strangers(planted: dict[str, Any], problems: ProblemLog) -> None:
    """Take out the parts of a wrong shape, outer ones first, and write them down."""
    _check(planted, ("name",), _is_text, "a text", problems)
    _check(planted, ("story",), _is_object, "an object", problems)
    _check(planted, ("story", "patients"), _is_texts, "a list of texts", problems)
    _check(planted, ("story", "captions"), _has_texts, "an object of texts", problems)
    _check(planted, ("planted",), _is_object, "an object", problems)
    for truth in list(planted.get("planted", {})):
        _check(planted, ("planted", truth), _is_object, "an object", problems)
        _check(planted, ("planted", truth, "words"), _is_text, "a text", problems)


def _check(
    planted: dict[str, Any],
    path: tuple[str, ...],
    is_right: Callable[[object], bool],
    words: str,
    problems: ProblemLog,
) -> None:
    """Remove the part at a path unless its shape is right; the parts above it are."""
    part = planted
    for name in path[:-1]:
        part = part.get(name, {})
    if path[-1] in part and not is_right(part[path[-1]]):
        value = json.dumps(part.pop(path[-1]), ensure_ascii=False)
        problem = f"it is not {words}"
        problems.add(PLANTED_FILE, problem, "left out", column=".".join(path), value=value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _has_texts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))
