"""Ids that lead back to nobody without a key: HMAC-SHA-256, the key in a file of its own.

The same key gives the same ids, so that two imports of one hospital share their patients, and
whoever holds the key can find a patient's id for a table of outcomes (`Pseudonyms.name_patient`).
Without it the ids of all numbers of a hospital cannot be tried out, as those of a plain hash can.
The key never enters a cohort.
"""

import contextlib
import errno
import hashlib
import hmac
import os
import re
import secrets
import stat
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from cxrlib.errors import CohortError
from cxrlib.storage import read_regular
from cxrlib.system import describe_read_error, describe_write_error

KEY_BYTES = 32
_KEY_TEXT = re.compile(rb"[0-9a-f]{64}\s*")
MOST_SHIFT = 36_525  # days, a hundred years


@dataclass(frozen=True)
class Pseudonyms:
    """Make ids and shifted days by a key.

    Parameters
    ----------
    key : bytes
        Never printed.
    """

    key: bytes = field(repr=False)

    def _hash(self, kind: str, text: str) -> bytes:
        plain = unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, kind.encode() + b"\0" + plain, hashlib.sha256)

    def name(self, kind: str, text: str, *, length: int = 16) -> str:
        """Name something of a kind by so many hexadecimal digits, the kind's first letter before.

        Examples
        --------
        >>> Pseudonyms(bytes(32)).name("study", "1.2.840")
        's07bf46efcb95e06e'
        """
        return kind[0] + self._hash(kind, text).hex()[:length]

    def name_patient(self, patient_id: str) -> str:
        """Give the id that an import gives a patient, blanks around the number left out."""
        return self.name("patient", patient_id.strip(" \0"))

    def shift_days(self, patient: str) -> int:
        """Give the days that are added to all days of one patient: differences stay, dates go."""
        return int.from_bytes(self._hash("days", patient)[:8]) % MOST_SHIFT

    @property
    def fingerprint(self) -> str:
        """Eight digits by which two imports with one key are known; they do not give it away."""
        return self._hash("fingerprint", "").hex()[:8]


def find_default_key() -> Path:
    """Find the key's file where none is named: in the user's folder of data."""
    from platformdirs import user_data_path

    return user_data_path("cxrlib", appauthor=False) / "dicom.key"


def load_pseudonyms(path: Path, *, apart_from: tuple[Path, ...] = ()) -> Pseudonyms:
    """Read a key's file; make it, readable for its owner alone, where there is none.

    Parameters
    ----------
    path : Path
    apart_from : tuple of Path
        Folders that must not hold it: whoever gets one of them would get the key too.

    Raises
    ------
    CohortError
        If the file lies in such a folder, can be read by others, is no key or cannot be read or
        written.
    """
    for folder in apart_from:
        if _resolve(path).is_relative_to(_resolve(folder)):
            raise CohortError(
                f"The key {str(path)!r} lies in {str(folder)!r}: whoever gets that folder could "
                "find out whose images these are. Name a file elsewhere."
            )
    try:
        with contextlib.suppress(FileExistsError):
            _write_new(path)
        data = read_regular(path, max_bytes=1 << 12)
        is_open = os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077
    except OSError as error:
        raise CohortError(
            f"The key {str(path)!r} cannot be read: {describe_read_error(error)}."
        ) from error
    if is_open:
        raise CohortError(
            f"The key {str(path)!r} can be read by others than its owner. Change that with: "
            f"chmod 600 {str(path)!r}"
        )
    if not _KEY_TEXT.fullmatch(data):
        raise CohortError(
            f"{str(path)!r} is not a key: it must hold {2 * KEY_BYTES} hexadecimal digits. Name "
            "another file, or one that is not there yet: it is made."
        )
    return Pseudonyms(bytes.fromhex(data.decode()))


def _resolve(path: Path) -> Path:
    """Follow links and case as far as the path exists."""
    return Path(os.path.realpath(path))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, "it is a file", str(folder)) from error


def _write_new(path: Path) -> None:
    """Write a key whole, or not at all where one is there already."""
    if path.exists():
        raise FileExistsError(errno.EEXIST, "it exists", str(path))
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        _make_folder(path.parent)
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # Two imports may start at once: the first key stays. A link fails where there is a file.
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError as error:
        raise CohortError(
            f"The key {str(path)!r} cannot be written: {describe_write_error(error)}."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
