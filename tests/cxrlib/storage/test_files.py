"""Image files are found within the folder, and nowhere else."""

import errno
import hashlib
import os
import sys
from pathlib import Path

import pytest

from cxrlib.storage import (
    Store,
    hash_annotations,
    hash_files,
    locate_image,
    read_regular,
    write_whole,
)


@pytest.fixture
def root(tmp_path) -> Path:
    """Give a cohort's folder with images, and a secret beside it."""
    (tmp_path / "secret.png").write_bytes(b"secret")
    root = tmp_path / "cohort"
    (root / "images" / "sub").mkdir(parents=True)
    (root / "images" / "a.png").write_bytes(b"a")
    (root / "images" / "sub" / "b.png").write_bytes(b"b")
    (root / "metadata.csv").write_bytes(b"m")
    return root


@pytest.mark.parametrize("name", ["a.png", "sub/b.png", "./a.png"])
def test_inside(root, name) -> None:
    """Files in the folder and below are found."""
    path, status, reason = locate_image(root, name)
    assert path.is_file()
    assert (status, reason) == ("ok", "")


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "../../secret.png",
        "sub/../../../secret.png",
        "sub/../a.png",
        "..",
        "/etc/passwd",
        "//etc/passwd",
        "..\\secret.png",
        "C:\\secret.png",
        "C:secret.png",
        "\\\\server\\share",
        "a.png\x00.jpg",
        "\x00",
    ],
)
def test_names_that_leave_the_folder(root, name) -> None:
    """They are refused as they stand, whether or not there is such a file."""
    path, status, reason = locate_image(root, name)
    assert path is None
    assert status == "outside"
    assert reason.startswith("the file name")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("", "no file"),
        ("none.png", "no file"),
        ("A.PNG" if sys.platform == "linux" else "none", "no file"),
        ("a.png/x", "no file"),
        ("x" * 5000, "no file"),
        ("tab\tnew\nline", "no file"),
        ("sub", "unreadable"),
        (".", "unreadable"),
    ],
)
def test_no_file(root, name, status) -> None:
    """What is missing, cannot be named or is a folder has its reason."""
    path, found, reason = locate_image(root, name)
    assert path is None
    assert found == status
    assert reason


def test_links(root, tmp_path) -> None:
    """A link may lead elsewhere in the cohort, not out of it; loops end."""
    images = root / "images"
    (images / "out.png").symlink_to(tmp_path / "secret.png")
    (images / "away").symlink_to(tmp_path)
    (images / "hop.png").symlink_to(images / "out.png")
    (images / "loop.png").symlink_to(images / "loop.png")
    (images / "dangling.png").symlink_to(tmp_path / "nothing")
    (root / "objects").mkdir()
    (root / "objects" / "c").write_bytes(b"c")
    (images / "c.png").symlink_to(Path("..", "objects", "c"))
    statuses = {
        name: locate_image(root, name)[1]
        for name in ("out.png", "away/secret.png", "hop.png", "loop.png", "dangling.png", "c.png")
    }
    assert statuses == {
        "out.png": "outside",
        "away/secret.png": "outside",
        "hop.png": "outside",
        "loop.png": "no file",
        "dangling.png": "no file",
        "c.png": "ok",
    }


def test_the_images_folder_may_be_a_link(root, tmp_path) -> None:
    """Images on another disk, linked as a whole, are the owner's choice."""
    (root / "images").rename(tmp_path / "disk")
    (root / "images").symlink_to(tmp_path / "disk")
    assert locate_image(root, "a.png")[1] == "ok"
    (tmp_path / "disk" / "out.png").symlink_to(tmp_path / "secret.png")
    assert locate_image(root, "out.png")[1] == "outside"


def test_named_pipe(root) -> None:
    """Reading a pipe would wait for ever."""
    os.mkfifo(root / "images" / "pipe.png")
    assert locate_image(root, "pipe.png")[1] == "unreadable"


@pytest.mark.parametrize("stored", [True, False])
def test_hash_files(root, tmp_path, stored) -> None:
    """With and without a store the hashes are the same, and failures are told."""
    store = Store(tmp_path / "cache") if stored else None
    paths = [root / "images" / "a.png", root / "images" / "gone.png"]
    seen = []
    hashes, failures = hash_files(paths, store=store, on_progress=lambda *n: seen.append(n))
    assert hashes == {paths[0]: hashlib.sha256(b"a").hexdigest()}
    assert set(failures) == {paths[1]}
    assert seen[-1] == ("Hashing images", 2, 2)


def test_a_broken_store_is_done_without(root, tmp_path, caplog) -> None:
    """A cache that cannot be used costs time, not the cohort."""
    (tmp_path / "cache").write_text("a file is in the way")
    hashes, _ = hash_files([root / "images" / "a.png"], store=Store(tmp_path / "cache"))
    assert len(hashes) == 1
    assert "not stored" in caplog.text


def test_hash_annotations(root) -> None:
    """Paths are relative, so another place gives the same."""
    (root / "annotations" / "masks").mkdir(parents=True)
    (root / "annotations" / "masks" / "m.png").write_bytes(b"m")
    (root / "annotations" / "gone").symlink_to("nowhere")
    expected = [("gone", "none"), ("masks/m.png", hashlib.sha256(b"m").hexdigest())]
    assert sorted(hash_annotations(root)) == expected


needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


@needs_pipes
def test_only_regular_files_are_read(root) -> None:
    """A pipe would be waited for and a device flow for ever; a large file is not read."""
    os.mkfifo(root / "pipe")
    for path in (root / "pipe", Path("/dev/zero"), root):
        with pytest.raises(OSError, match=r"not a regular file|a folder"):
            read_regular(path, max_bytes=10)
    (root / "large").write_bytes(b"x" * 11)
    with pytest.raises(OSError, match="larger than"):
        read_regular(root / "large", max_bytes=10)
    assert read_regular(root / "large", max_bytes=11) == b"x" * 11
    assert hash_files([root / "pipe"])[1] == {root / "pipe": "it is not a regular file"}


@needs_pipes
def test_annotations_that_are_no_files(root) -> None:
    """Pipes and links out of the cohort are hashed as none; links within it as their file."""
    folder = root / "annotations"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "out").symlink_to(root.parent / "secret.png")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "within").symlink_to(root / "metadata.csv")
    within = hashlib.sha256(b"m").hexdigest()
    assert dict(hash_annotations(root)) == {
        "pipe": "none",
        "out": "none",
        "zero": "none",
        "within": within,
    }


def test_write_whole_replaces_or_leaves_as_it_was(tmp_path, monkeypatch) -> None:
    """The new content or the earlier one, never a half and nothing left over."""
    path = tmp_path / ("x" * 255)  # as long as names can be
    write_whole(path, b"one")
    write_whole(path, b"two", durable=False)
    assert path.read_bytes() == b"two"

    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"three")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]
