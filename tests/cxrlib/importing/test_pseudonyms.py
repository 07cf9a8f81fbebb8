"""Ids by a key that stays with its owner."""

import os
from pathlib import Path

import pytest

from cxrlib.errors import CohortError
from cxrlib.importing import Pseudonyms, find_default_key, load_pseudonyms

KEY = Pseudonyms(bytes(range(32)))


def test_load_pseudonyms_makes_a_key_for_its_owner_alone(tmp_path: Path) -> None:
    """Once; the next call reads it."""
    path = tmp_path / "folder" / "key"
    first = load_pseudonyms(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0 or os.name != "posix"
    assert load_pseudonyms(path) == first
    assert [each.name for each in path.parent.iterdir()] == ["key"]
    assert load_pseudonyms(tmp_path / "other") != first


def test_load_pseudonyms_refuses_a_key_that_others_can_read(tmp_path: Path) -> None:
    """With the command that mends it."""
    path = tmp_path / "key"
    load_pseudonyms(path)
    path.chmod(0o640)
    with pytest.raises(CohortError, match=r"can be read by others.*chmod 600"):
        load_pseudonyms(path)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 64, b"0" * 65, b"\xff" * 64])
def test_load_pseudonyms_refuses_what_is_no_key(content: bytes, tmp_path: Path) -> None:
    """It is left as it is."""
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(CohortError, match="is not a key"):
        load_pseudonyms(path)
    assert path.read_bytes() == content


def test_load_pseudonyms_refuses_a_key_in_a_cohort_also_through_a_link(tmp_path: Path) -> None:
    """However the folder is reached."""
    cohort = tmp_path / "cohort"
    cohort.mkdir()
    (tmp_path / "link").symlink_to(cohort)
    for path in (cohort / "key", tmp_path / "link" / "key", cohort / ".." / "cohort" / "key"):
        with pytest.raises(CohortError, match="whoever gets that folder"):
            load_pseudonyms(path, apart_from=(cohort,))
    assert list(cohort.iterdir()) == []


def test_load_pseudonyms_says_where_a_key_cannot_be_written(tmp_path: Path) -> None:
    """A file where a folder should be; a folder where the key should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CohortError, match="cannot be written: a file is where"):
        load_pseudonyms(tmp_path / "file" / "key")
    with pytest.raises(CohortError, match="cannot be read: it is a folder"):
        load_pseudonyms(tmp_path)


def test_pseudonyms_never_print_their_key() -> None:
    """Neither as hexadecimal nor as bytes."""
    assert repr(KEY) == "Pseudonyms()"
    assert KEY.fingerprint not in KEY.key.hex()


def test_pseudonyms_name_alike_what_is_alike() -> None:
    """Kinds are apart, blanks at the ends do not count, equal letters in two encodings are one."""
    assert KEY.name_patient("A 1") == KEY.name_patient(" A 1 \0") != KEY.name_patient("A1")
    assert KEY.name("study", "x")[1:] != KEY.name("image", "x")[1:]
    assert KEY.name_patient("M\u00fcller") == KEY.name_patient("Mu\u0308ller")
    assert KEY.name_patient("1") != Pseudonyms(bytes(32)).name_patient("1")
    names = {KEY.name_patient(str(number)) for number in range(20_000)}
    assert len(names) == 20_000


def test_pseudonyms_shift_days_of_a_patient_by_one_number() -> None:
    """Another patient's by another."""
    shifts = {KEY.shift_days(f"p{i}") for i in range(50)}
    assert len(shifts) > 45
    assert KEY.shift_days("p1") == KEY.shift_days("p1")


def test_find_default_key_is_in_the_users_folder() -> None:
    """Not in a checkout, not in a cache that is cleared away."""
    path = find_default_key()
    assert path.name == "dicom.key"
    assert not path.is_relative_to(Path.cwd())
