"""A new X-ray: placed as it should be, compared fairly, and gone without a trace."""

import contextlib
import io
import logging
import os
import zlib
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from PIL import Image, PngImagePlugin
from typer.testing import CliRunner

from cxrlib.cli import serving
from cxrlib.embedding.extractors import load_extractor
from cxrlib.errors import CxrError
from cxrlib.storage import ExtractorInfo
from cxrlib.uploads import (
    ALLOW_VARIABLE,
    Placed,
    Upload,
    are_uploads_allowed,
    describe_placed,
    embed_upload,
    isolated_process,
    list_upload_notes,
    measure_reference,
    place_upload,
)
from cxrlib.uploads.isolated_process import end_child
from tests.cohort_factory import draw_image
from tests.dicom_factory import MARKER, make_dicom

INFO = ExtractorInfo("made-up", "Made up", "", "v1", 6, ("a", "b", "c"))
OUTCOMES = ("state", "surviv", "icu", "intub", "finding", "opacity", "severity", "bad")


def make_map(
    n_persons: int = 30, per_person: int = 3, *, seed: int = 0, features: str = "outputs"
) -> Any:
    """Make a map of random images; images of one person are alike."""
    rng = np.random.default_rng(seed)
    n = n_persons * per_person
    persons = np.repeat(np.arange(n_persons), per_person)
    outputs = (rng.normal(size=(n_persons, 3))[persons] + 0.1 * rng.normal(size=(n, 3))) * 5 + 50
    embedding = rng.normal(size=(n, 6))
    ids = [f"i{row}" for row in range(n)]
    sha256s = [f"{int(value):016x}" for value in rng.permutation(n)]
    table = pd.DataFrame(
        {
            "image_id": ids,
            "patient_id": [f"p{person}" for person in persons],
            "person_id": [f"p{person}" for person in persons],
            "view": "PA",
            "source": "example.org",
            "sha256": sha256s,
            "state": "bad",
        }
    )
    return SimpleNamespace(
        mapped=SimpleNamespace(table=table),
        embeddings=SimpleNamespace(
            image_ids=tuple(ids),
            sha256s=tuple(sha256s),
            embedding=embedding.astype(np.float32),
            outputs=outputs.astype(np.float32),
            info=INFO,
        ),
        projection=SimpleNamespace(
            image_ids=tuple(ids),
            coordinates=rng.normal(size=(n, 2)).astype(np.float32),
            settings=SimpleNamespace(features=features),
        ),
    )


def shuffle(mapped: Any, seed: int = 1) -> Any:
    """Give the same map with its rows in other orders, each part in its own."""
    rng = np.random.default_rng(seed)
    n = len(mapped.embeddings.image_ids)
    one, two, three = (rng.permutation(n) for _ in range(3))
    return SimpleNamespace(
        mapped=SimpleNamespace(table=mapped.mapped.table.iloc[one].reset_index(drop=True)),
        embeddings=SimpleNamespace(
            image_ids=tuple(np.array(mapped.embeddings.image_ids)[two].tolist()),
            sha256s=tuple(np.array(mapped.embeddings.sha256s)[two].tolist()),
            embedding=mapped.embeddings.embedding[two],
            outputs=mapped.embeddings.outputs[two],
            info=INFO,
        ),
        projection=SimpleNamespace(
            image_ids=tuple(np.array(mapped.projection.image_ids)[three].tolist()),
            coordinates=mapped.projection.coordinates[three],
            settings=mapped.projection.settings,
        ),
    )


def make_upload(outputs: object, *, embedding: object = None, sha256: str = "f" * 64) -> Upload:
    """Make what the child would have given."""
    return Upload(
        kind="PNG",
        width=100,
        height=120,
        embedding=np.zeros(6, np.float32) if embedding is None else np.asarray(embedding),
        outputs=np.asarray(outputs, np.float32),
        info=INFO,
        picture=b"",
        picture_size=(100, 120),
        notes=(),
        sha256=sha256,
    )


def slow_place(mapped: Any, values: np.ndarray, k: int, without: str = "") -> tuple[Any, float]:
    """Place image by image: the mean place, and the distance to the last neighbour."""
    numbers = getattr(mapped.embeddings, mapped.projection.settings.features).astype(float)
    persons = mapped.mapped.table.set_index("image_id")["person_id"]
    places = dict(zip(mapped.projection.image_ids, mapped.projection.coordinates, strict=True))
    found = []
    for image_id, own in zip(mapped.embeddings.image_ids, numbers, strict=True):
        if persons[image_id] != without:
            found.append((float(np.sqrt(((own - values) ** 2).sum())), image_id))
    found = sorted(found)[:k]
    weights = np.array([1 / distance for distance, _ in found])
    place = sum(w * places[name].astype(float) for w, (_, name) in zip(weights, found, strict=True))
    return place / weights.sum(), found[-1][0]


@pytest.mark.parametrize("features", ["outputs", "embedding"])
def test_the_place_agrees_with_a_slow_reference(features: str) -> None:
    """Weights of 1 / distance over the 15 nearest, in the numbers the map was made from."""
    mapped = make_map(features=features)
    rng = np.random.default_rng(3)
    upload = make_upload(rng.normal(size=3) * 5 + 50, embedding=rng.normal(size=6))
    placed = place_upload(upload, mapped)
    place, distance = slow_place(mapped, getattr(upload, features).astype(float), 15)
    np.testing.assert_allclose([placed.x, placed.y], place, rtol=1e-6)
    assert placed.distance == pytest.approx(distance, rel=1e-6)
    assert len(placed.neighbours) == 15
    assert placed.neighbours["weight"].sum() == pytest.approx(1)
    assert placed.neighbours["distance"].is_monotonic_increasing


def test_the_reference_agrees_with_a_slow_one_and_leaves_out_the_own_person() -> None:
    """Each image among those of others: its own person would make it look nearer."""
    mapped = make_map()
    reference = measure_reference(mapped)
    by_embedding = make_map(features="embedding")
    expected, whole, misses = [], [], []
    for row, (image_id, person) in mapped.mapped.table[["image_id", "person_id"]].iterrows():
        values = mapped.embeddings.outputs[row].astype(float)
        place, distance = slow_place(mapped, values, 15, without=person)
        assert mapped.projection.image_ids[row] == image_id
        expected.append(distance)
        values = mapped.embeddings.embedding[row].astype(float)
        whole.append(slow_place(by_embedding, values, 15, without=person)[1])
        misses.append(float(np.hypot(*(place - mapped.projection.coordinates[row]))))
    np.testing.assert_allclose(reference.distances, np.sort(expected), rtol=1e-6)
    np.testing.assert_allclose(reference.embedding_distances, np.sort(whole), rtol=1e-4)
    np.testing.assert_allclose(reference.misses, np.sort(misses), rtol=1e-5)
    assert reference.n_images == reference.n_pool == 90


def test_the_quantile_is_the_share_of_images_as_near_or_nearer() -> None:
    """By hand, and even for uploads like the cohort's own persons."""
    mapped = make_map(60, 1, seed=4)
    reference = measure_reference(mapped)
    placed = place_upload(make_upload([51, 49, 50]), mapped, reference)
    expected = np.mean(reference.distances <= placed.distance)
    assert placed.quantile == pytest.approx(expected)
    assert placed.embedding_quantile is not None
    others = make_map(80, 1, seed=5).embeddings.outputs
    ranks = [place_upload(make_upload(each), mapped, reference).quantile for each in others]
    assert 0.35 < np.mean(ranks) < 0.65


def test_the_order_of_rows_changes_nothing() -> None:
    """Of the table, the embeddings or the map."""
    mapped = make_map()
    upload = make_upload([50, 51, 49])
    one, two = place_upload(upload, mapped), place_upload(upload, shuffle(mapped))
    assert (one.x, one.y, one.quantile) == (two.x, two.y, two.quantile)
    pd.testing.assert_frame_equal(one.neighbours, two.neighbours)
    np.testing.assert_array_equal(one.reference.misses, two.reference.misses)


def test_an_image_of_the_cohort_comes_to_its_own_place_and_is_named() -> None:
    """The words say that nothing is new."""
    mapped = make_map()
    sha256 = mapped.mapped.table.loc[20, "sha256"]
    upload = make_upload(mapped.embeddings.outputs[20], sha256=sha256)
    placed = place_upload(upload, mapped)
    np.testing.assert_allclose([placed.x, placed.y], mapped.projection.coordinates[20], rtol=1e-6)
    assert placed.neighbours["weight"].tolist()[:2] == [1, 0]
    assert placed.same_as == ("i20",)
    assert "is image 'i20' of this cohort" in describe_placed(placed)


def test_copies_of_an_image_count_once() -> None:
    """Fifteen copies would otherwise be all of its neighbours."""
    mapped = make_map()
    n = len(mapped.embeddings.image_ids)
    twice = SimpleNamespace(
        mapped=SimpleNamespace(
            table=pd.concat(
                [
                    mapped.mapped.table,
                    mapped.mapped.table.assign(image_id=lambda t: "z" + t["image_id"]),
                ],
                ignore_index=True,
            )
        ),
        embeddings=SimpleNamespace(
            image_ids=(*mapped.embeddings.image_ids, *(f"zi{row}" for row in range(n))),
            sha256s=mapped.embeddings.sha256s * 2,
            embedding=np.tile(mapped.embeddings.embedding, (2, 1)),
            outputs=np.tile(mapped.embeddings.outputs, (2, 1)),
            info=INFO,
        ),
        projection=SimpleNamespace(
            image_ids=(*mapped.embeddings.image_ids, *(f"zi{row}" for row in range(n))),
            coordinates=np.tile(mapped.projection.coordinates, (2, 1)),
            settings=mapped.projection.settings,
        ),
    )
    upload = make_upload([50, 51, 49])
    one, two = place_upload(upload, mapped), place_upload(upload, twice)
    assert (one.x, one.y, one.quantile) == (two.x, two.y, two.quantile)


@pytest.mark.parametrize(("n_persons", "per_person"), [(1, 3), (2, 2), (4, 1), (16, 1)])
def test_small_cohorts_are_not_compared_with(n_persons: int, per_person: int) -> None:
    """One person, or fewer than ten images: the place is there, the comparison is not estimable."""
    mapped = make_map(n_persons, per_person)
    placed = place_upload(make_upload([50, 51, 49]), mapped)
    assert np.isfinite([placed.x, placed.y, placed.spread]).all()
    assert len(placed.neighbours) == min(15, n_persons * per_person - 1)
    if n_persons < 16:
        assert placed.quantile is None
        assert "not estimable" in describe_placed(placed)
    assert len(list_upload_notes(placed)) >= 3


def test_what_is_far_is_said_to_be_far() -> None:
    """A hand, a photograph: beyond nearly all of the cohort's own images."""
    placed = place_upload(make_upload([500, -300, 0]), make_map())
    assert placed.is_far
    assert placed.quantile == 1
    assert describe_placed(placed).startswith("Unlike this cohort: it is farther from")
    assert "than all (by outputs) or" in describe_placed(placed)


def test_large_cohorts_are_measured_by_a_sample() -> None:
    """Evenly spaced in the order of the hashes, all of the pool as candidates."""
    mapped = make_map(100, 3)
    whole, part = measure_reference(mapped), measure_reference(mapped, most=50)
    assert part.n_images == 50
    assert part.n_pool == whole.n_pool == 300
    assert set(np.round(part.distances, 9)) <= set(np.round(whole.distances, 9))


def test_nothing_about_an_outcome_is_worked_out() -> None:
    """No state, share, density or score: neither in the table nor in fields nor in words."""
    placed = place_upload(make_upload([50, 51, 49]), make_map())
    assert list(placed.neighbours) == [
        *("image_id", "patient_id", "view", "source", "distance", "weight", "x", "y")
    ]
    names = [field.name for field in fields(Placed)]
    assert not [name for name in names for word in OUTCOMES if word in name]
    words = " ".join([describe_placed(placed), *list_upload_notes(placed)]).lower()
    assert not [word for word in OUTCOMES if word in words.replace("states", "")]
    assert "no density, share or score is computed" in words


@pytest.mark.parametrize(("options", "expected"), [([], "0"), (["--allow-uploads"], "1")])
def test_only_the_option_of_serve_allows_uploads(
    options: list[str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the shell happens to hold does not."""
    found = []
    for name in ("CXR_DATA", "CXR_CACHE", "CXR_EXTRACTOR", ALLOW_VARIABLE):
        monkeypatch.setenv(name, "1")  # put back afterwards
    monkeypatch.delenv("CXR_DATA")
    cohort = SimpleNamespace(root=Path("/nowhere"), name="Made up")
    monkeypatch.setattr(serving, "_check_port", lambda port: None)
    monkeypatch.setattr(serving, "load_named", lambda data, cache: cohort)
    monkeypatch.setattr(serving, "_find_ready", lambda *_: INFO)
    monkeypatch.setattr(
        serving, "_run_server", lambda *_, **__: found.append(os.environ[ALLOW_VARIABLE])
    )
    result = CliRunner().invoke(make_app(), ["serve", "--extractor", "texture", *options])
    assert result.exit_code == 0, result.output
    assert found == [expected]


def make_app() -> typer.Typer:
    """Make a command line with two commands, so that each has its name."""
    app = typer.Typer()
    serving.register(app)
    app.command("other")(lambda: None)
    return app


# ---- through the child


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Allow uploads; leave no child behind."""
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    yield
    end_child()


def texture() -> ExtractorInfo:
    """Give the extractor of these tests."""
    return load_extractor("texture").info


def as_png(pixels: np.ndarray, note: str = "") -> bytes:
    """Encode as PNG, with a comment."""
    target, comment = io.BytesIO(), PngImagePlugin.PngInfo()
    comment.add_text("Comment", note)
    Image.fromarray(pixels).save(target, format="PNG", pnginfo=comment)
    return target.getvalue()


def as_jpeg(pixels: np.ndarray) -> bytes:
    """Encode as JPEG, with a comment."""
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format="JPEG", quality=95, comment=MARKER.encode())
    return target.getvalue()


def test_uploads_are_off_unless_the_server_was_started_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No child starts, and the words say how."""
    for value in (None, "", "0", "no", "true"):
        monkeypatch.delenv(ALLOW_VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(ALLOW_VARIABLE, value)
        assert not are_uploads_allowed()
        with pytest.raises(CxrError, match="serve --allow-uploads"):
            embed_upload(as_png(draw_image(1)), texture())


@pytest.mark.usefixtures("allowed")
def test_png_jpeg_and_dicom_of_one_image_give_the_same_numbers() -> None:
    """Nearly so for JPEG; the picture is of the pixels and has nothing else in it."""
    pixels = draw_image(1, height=300, width=200)
    stretched = np.rint((pixels - pixels.min()) / np.ptp(pixels) * 255).astype(np.uint8)
    png = embed_upload(as_png(stretched, MARKER), texture())
    dicom = embed_upload(make_dicom(stretched), texture())
    jpeg = embed_upload(as_jpeg(stretched), texture())
    assert [each.kind for each in (png, dicom, jpeg)] == ["PNG", "DICOM", "JPEG"]
    np.testing.assert_allclose(dicom.outputs, png.outputs, atol=0.02)
    np.testing.assert_allclose(dicom.embedding, png.embedding, atol=0.02)
    for upload in (png, dicom, jpeg):
        assert (upload.width, upload.height) == upload.picture_size == (200, 300)
        shown = np.asarray(Image.open(io.BytesIO(upload.picture)))
        assert np.abs(shown.astype(int) - stretched).mean() < 6
        assert MARKER.encode() not in upload.picture
        assert upload.picture_url.startswith("data:image/jpeg;base64,")


@pytest.mark.usefixtures("allowed")
def test_large_pictures_come_back_small() -> None:
    """At most 1024 pixels a side; the size of the upload is kept."""
    upload = embed_upload(as_png(draw_image(2, height=2100, width=1400)), texture())
    assert (upload.width, upload.height) == (1400, 2100)
    assert upload.picture_size == Image.open(io.BytesIO(upload.picture)).size == (683, 1024)


@pytest.mark.usefixtures("allowed")
def test_another_extractor_than_the_maps_is_refused() -> None:
    """Numbers by other weights cannot be set beside the map's."""
    other = replace(texture(), weights_sha256="0" * 64)
    with pytest.raises(CxrError, match="cannot be compared"):
        embed_upload(as_png(draw_image(1)), other)


def png_of(width: int, height: int) -> bytes:
    """Make a PNG that says it is large, and ends."""
    whole = as_png(draw_image(1))
    head = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + whole[24:29]
    return whole[:12] + head + zlib.crc32(head).to_bytes(4, "big") + whole[33:]


def as_webp(pixels: np.ndarray) -> bytes:
    """Encode in a format that is not taken."""
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format="WEBP")
    return target.getvalue()


GREY = draw_image(5, height=64, width=64)


@pytest.mark.usefixtures("allowed")
def test_what_cannot_be_used_is_refused_in_words_and_the_child_lives(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Everything a visitor may bring by mistake or on purpose; one after the other."""
    caplog.set_level(logging.DEBUG)
    cases = {
        "the file is empty": b"",
        "it is not a PNG, JPEG or DICOM file": MARKER.encode() * 100,
        "it is a web page": b"<!DOCTYPE html><html>",
        "1 x 1 pixels are too few": as_png(GREY[:1, :1]),
        "it has far too many pixels, the limit is 150 megapixels": png_of(20_000, 10_000),
        "14000 x 11000 pixels are too many": png_of(14_000, 11_000),
        "damaged or truncated": as_png(GREY)[:900],
        "it is an archive, such as ZIP, encrypted or not": b"PK\x03\x04" + bytes(200),
        "save it as one of these": as_webp(GREY),
        "it is encrypted": bytes.fromhex("3082ffff06092a864886f70d010703a082") + bytes(500),
        "it is a CT, not a radiograph": make_dicom(GREY, Modality="CT"),
        "truncated: some of its pixels are missing": make_dicom(GREY)[:-2000],
        "10000 x 20000 pixels are too many": make_dicom(GREY, Rows=20_000, Columns=10_000),
    }
    for words, payload in cases.items():
        with pytest.raises(CxrError) as refusal:
            embed_upload(payload, texture())
        assert words in str(refusal.value)
        assert str(refusal.value).startswith("This upload cannot be used: ")
        assert "SECRET" not in str(refusal.value)
    assert embed_upload(as_png(GREY), texture()).kind == "PNG"
    assert "SECRET" not in caplog.text


def find_traces(marks: list[bytes], folders: list[Path]) -> list[Path]:
    """List files below some folders that hold any of some marks."""
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and any(mark in path.read_bytes() for mark in marks)
    ]


def test_nothing_of_an_upload_is_left_on_disk_or_in_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """Search what the child could write to for a name in the header and for rows of pixels."""
    folders = [tmp_path / name for name in ("temporary", "cache", "home")]
    for name, folder in zip(("TMPDIR", "CXR_CACHE", "HOME"), folders, strict=True):
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    caplog.set_level(logging.DEBUG)
    end_child()  # the next one is started with these folders
    try:
        noise = np.random.default_rng(9).integers(0, 256, (400, 300)).astype(np.uint8)
        uploads = [make_dicom(noise), as_png(noise, MARKER), as_jpeg(noise)]
        uploads.append(make_dicom(noise)[:5000])
        uploads.append(make_dicom(noise, Modality="CT"))
        marks = [MARKER.encode(), noise[100].tobytes()]
        assert all(any(mark in upload for mark in marks) for upload in uploads)
        for upload in uploads:
            with contextlib.suppress(CxrError):  # refusals too must leave nothing
                embed_upload(upload, texture())
        assert find_traces(marks, folders) == []
        assert [path for folder in folders[:2] for path in folder.rglob("*")] == []
    finally:
        end_child()
    printed = capfd.readouterr()
    for text in (caplog.text, printed.out, printed.err):
        assert "SECRET" not in text


@pytest.mark.usefixtures("allowed")
@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="read from /proc")
def test_the_system_refuses_the_child_any_file() -> None:
    """The limits are the system's, whatever a library under it tries."""
    embed_upload(as_png(GREY), texture())
    limits = Path(f"/proc/{isolated_process._children[0].pid}/limits").read_text()
    found = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert found["Max file size"] == ["0", "0"]
    assert found["Max core file size"] == ["0", "0"]
    assert Path(f"/proc/{isolated_process._children[0].pid}/fd/2").readlink() == Path("/dev/null")
