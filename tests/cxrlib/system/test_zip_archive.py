"""Test that an archive anyone may have written writes nothing where it should not."""

import io
import os
import random
import shutil
import stat
import subprocess
import zipfile

import pytest

from cxrlib.errors import ArchiveError
from cxrlib.system import zip_archive
from cxrlib.system.zip_archive import blob_id, tree_id, unpack_archive


def make_archive(path, entries, comment=b""):
    """Write a zip archive of paths, or prepared entries, and contents."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
        made.comment = comment
    return path


def unpack(tmp_path, entries, **options):
    """Make and unpack an archive, keeping everything."""
    path = make_archive(tmp_path / "a.zip", entries, **options)
    return unpack_archive(path, tmp_path / "out" / "in", lambda _: True)


def written(tmp_path):
    """List every file below a test's folder but the archive."""
    return sorted(
        p.relative_to(tmp_path).as_posix()
        for p in tmp_path.rglob("*")
        if not p.is_dir() and p.name != "a.zip"
    )


def test_wanted_files_are_written_and_hashed(tmp_path):
    """Only what is wanted is unpacked; each has Git's id; the comment comes along."""
    entries = [("top/", b""), ("top/a.txt", b"A"), ("top/images/b c.png", b"B" * 5000)]
    path = make_archive(tmp_path / "a.zip", [*entries, ("top/x", b"")], comment=b"c0ffee")
    calls = []
    blobs, comment = unpack_archive(
        path, tmp_path / "out", lambda p: p != "x", on_progress=lambda *c: calls.append(c)
    )
    assert blobs == {"a.txt": blob_id(b"A"), "images/b c.png": blob_id(b"B" * 5000)}
    assert comment == "c0ffee"
    assert written(tmp_path) == ["out/a.txt", "out/images/b c.png"]
    assert calls == [(1, 2), (2, 2)]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here to compare with.")
def test_ids_are_gits(tmp_path):
    """Blob and tree ids are those Git gives."""
    files = {"b.txt": b"1", "b/x": b"2", "b-c": b"", "a/d/e": b"3", "ä": b"4"}
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    git = ["git", "-C", str(tmp_path), "-c", "core.autocrlf=false"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    answer = subprocess.run([*git, "write-tree"], check=True, capture_output=True, text=True)
    assert tree_id({name: blob_id(c) for name, c in files.items()}) == answer.stdout.strip()


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "top/../../evil",
        "../evil",
        "top/..",
        "top//evil",
        "top/./evil",
        "top/a\\..\\..\\evil",
        "C:/evil",
        "top/a\nb",
        "top/a\x1b[2J",
        "top/" + "a/" * 600 + "b",
    ],
)
def test_paths_that_lead_elsewhere(tmp_path, name):
    """One such path, and nothing at all is written."""
    with pytest.raises(ArchiveError, match="leads elsewhere"):
        unpack(tmp_path, [("top/a", b"1"), (name, b"2")])
    assert written(tmp_path) == []


def test_a_hidden_nul_does_not_shorten_a_path(tmp_path):
    """Python cuts a name at NUL: the whole name is judged."""
    path = make_archive(tmp_path / "a.zip", [("top/aXb", b"1")])
    path.write_bytes(path.read_bytes().replace(b"top/aXb", b"top/a\0b"))
    with pytest.raises(ArchiveError):
        unpack_archive(path, tmp_path / "out", lambda _: True)
    assert written(tmp_path) == []


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices(tmp_path, kind):
    """A link to elsewhere is not made, nor anything else that is no file."""
    entry = zipfile.ZipInfo("top/images")
    entry.external_attr = (kind | 0o777) << 16
    with pytest.raises(ArchiveError, match="a link or no plain file"):
        unpack(tmp_path, [(entry, b"/etc"), ("top/images/passwd", b"x")])
    assert written(tmp_path) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("top/a", b"1"), ("top/a", b"2")], "twice"),
        ([("top/a", b"1"), ("other/b", b"2")], "more than one folder"),
        ([("top/a", b"1"), ("top/a/b", b"2")], "as a file and as a folder"),
        ([("top/a/b/c", b"1"), ("top/a", b"2")], "as a file and as a folder"),
    ],
)
def test_paths_that_meet(tmp_path, entries, message):
    """Paths that would overwrite each other are refused before anything is written."""
    with pytest.raises(ArchiveError, match=message):
        unpack(tmp_path, entries)
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("MAX_ENTRIES", "entries: more than 1"),
        ("MAX_ENTRY_BYTES", "would unpack to 5 bytes: more than 1"),
        ("MAX_BYTES", "would unpack to 8 bytes: more than 1"),
    ],
)
def test_bombs(tmp_path, monkeypatch, limit, message):
    """Too many, too large or too much in all is refused by what the archive says."""
    monkeypatch.setattr(zip_archive, limit, 1)
    with pytest.raises(ArchiveError, match=message):
        unpack(tmp_path, [("top/a", b"12345"), ("top/b", b"123")])
    assert written(tmp_path) == []


def test_a_size_that_lies(tmp_path):
    """An entry that unpacks to more than it says is cut off."""
    path = make_archive(tmp_path / "a.zip", [("top/a", b"0" * 1_000_000)])
    data = path.read_bytes().replace((1_000_000).to_bytes(4, "little"), (9).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises(ArchiveError):
        unpack_archive(path, tmp_path / "out", lambda _: True)
    assert sum(p.stat().st_size for p in (tmp_path / "out").rglob("*")) < 10_000


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>", os.urandom(5000)])
def test_what_is_no_archive(tmp_path, content):
    """Anything else is an ArchiveError."""
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="damaged or of another kind"):
        unpack_archive(path, tmp_path / "out", lambda _: True)


def test_damage_is_always_noticed(tmp_path):
    """A changed byte gives the same content or an ArchiveError, never another error or content."""
    dice = random.Random(5)  # noqa: S311
    whole = {f"f{i}": dice.randbytes(300) * 3 for i in range(4)}
    buffer = make_archive(io.BytesIO(), [(f"top/{n}", c) for n, c in whole.items()])
    data = buffer.getvalue()
    expected = {name: blob_id(content) for name, content in whole.items()}
    refused = 0
    for i in range(300):
        changed = bytearray(data)
        changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        if i % 5 == 0:
            del changed[dice.randrange(len(changed)) :]
        path = tmp_path / "a.zip"
        path.write_bytes(changed)
        try:
            blobs, _ = unpack_archive(path, tmp_path / f"out{i}", lambda _: True)
        except ArchiveError:
            refused += 1
        else:
            assert set(blobs.values()) <= set(expected.values())
    assert refused > 200
