"""Test reading and preprocessing against torchxrayvision's own, and on bad files."""

import contextlib
import importlib
import io
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from cxrlib.errors import ImageError
from cxrlib.images import (
    decode_described,
    decode_image,
    decode_smaller,
    guard_image,
    preprocess,
    read_image,
    to_eight_bits,
)
from cxrlib.images.image_files import FORMATS, resize_matrix


@pytest.fixture(scope="module")
def reference():
    """Give torchxrayvision's reading and preprocessing, keeping warnings as they were."""
    with warnings.catch_warnings():
        imread = importlib.import_module("skimage.io").imread
        xrv = importlib.import_module("torchxrayvision")
    crop, resize = xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(224)

    def read(path):
        pixels = imread(path)
        return pixels if pixels.ndim == 2 else pixels[:, :, 0]

    def prepare(pixels):
        return resize(crop(xrv.datasets.normalize(pixels, 255, reshape=True)))

    return read, prepare


def make_pixels(height, width, seed=0, channels=None):
    """Make pixels with coarse and fine structure."""
    rng = np.random.default_rng(seed)
    shape = (height, width) if channels is None else (height, width, channels)
    return rng.integers(0, 256, shape, np.uint8)


def save(path, image, **options):
    """Save pixels or a Pillow image."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, **options)
    return path


@pytest.mark.parametrize("shape", [(224, 224), (500, 400), (225, 300), (1001, 777), (100, 90)])
def test_preprocess_equals_torchxrayvision(reference, shape):
    """Larger, smaller, equal and odd sizes agree within 1e-3 of 1024."""
    pixels = make_pixels(*shape)
    ours = preprocess(pixels)
    assert ours.shape == (1, 224, 224)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, reference[1](pixels), atol=1e-3)


@pytest.mark.parametrize("value", [0, 40, 127, 200, 255])
def test_preprocess_of_a_plain_image(reference, value):
    """A plain image stays plain up to the border, as scikit-image clips it."""
    pixels = np.full((400, 300), value, np.uint8)
    np.testing.assert_allclose(preprocess(pixels), reference[1](pixels), atol=1e-3)


def test_sixteen_bits_equal_eight(tmp_path):
    """The same picture with 16 bits a pixel gives the same values."""
    pixels = make_pixels(300, 260)
    wide = pixels.astype(np.uint16) * 257
    np.testing.assert_allclose(preprocess(wide), preprocess(pixels), atol=1e-3)


def test_preprocess_flips_with_the_image():
    """Mirroring before is mirroring after."""
    pixels = make_pixels(512, 512)
    np.testing.assert_allclose(
        preprocess(np.ascontiguousarray(pixels[:, ::-1])), preprocess(pixels)[:, :, ::-1], atol=1e-3
    )


def test_resize_matrix_rows_average():
    """Away from the border a row is an average; nothing is negative."""
    matrix = resize_matrix(1000)
    assert (matrix >= 0).all()
    np.testing.assert_allclose(matrix[10:-10].sum(axis=1), 1)
    np.testing.assert_array_equal(resize_matrix(224), np.eye(224))


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((3, 300, 300), np.uint8), np.zeros((300, 300), float), np.zeros((0, 5), "u1")],
)
def test_preprocess_refuses_other_arrays(pixels):
    """Only what read_image gives is taken."""
    with pytest.raises(ValueError, match="cannot be preprocessed"):
        preprocess(pixels)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L", "P"])
def test_channels_as_torchxrayvision_reads_them(reference, tmp_path, mode):
    """Colour, transparency and palettes give the channel torchxrayvision takes."""
    channels = {"RGB": 3, "RGBA": 4, "LA": 2, "L": None, "P": 3}[mode]
    image = Image.fromarray(make_pixels(60, 50, channels=channels))
    image = image.quantize(200) if mode == "P" else image
    assert image.mode == mode
    path = save(tmp_path / "x.png", image)
    np.testing.assert_array_equal(read_image(path), reference[0](path))


def test_palette_with_transparency(tmp_path):
    """A palette with transparent entries keeps its colours, without a warning."""
    image = Image.fromarray(make_pixels(60, 50, channels=3)).quantize(8)
    expected = np.asarray(image.convert("RGB"))[:, :, 0]
    path = save(tmp_path / "x.png", image, transparency=bytes([0, 128, 255]))
    np.testing.assert_array_equal(read_image(path), expected)


def test_one_bit_spans_the_range(tmp_path):
    """Black and white are 0 and 255."""
    bits = make_pixels(40, 50) > 127
    path = save(tmp_path / "x.png", bits)
    np.testing.assert_array_equal(read_image(path), bits * np.uint8(255))


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_sixteen_bits_are_read_whole(tmp_path, name):
    """16-bit PNG and TIFF keep all their bits."""
    pixels = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50) * 32
    path = save(tmp_path / name, pixels)
    assert read_image(path).dtype == np.uint16
    np.testing.assert_array_equal(read_image(path), pixels)


def test_big_endian_sixteen_bits(tmp_path):
    """The other byte order is turned into this machine's."""
    pixels = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50) * 32
    image = Image.frombytes("I;16B", (50, 40), pixels.astype(">u2").tobytes())
    path = save(tmp_path / "x.tif", image)
    np.testing.assert_array_equal(read_image(path), pixels)


def test_cmyk_bright_stays_bright(tmp_path):
    """A CMYK JPEG is turned into RGB: its first channel is not ink."""
    grey = np.repeat(np.linspace(0, 255, 64, dtype=np.uint8)[None], 64, axis=0)
    image = Image.fromarray(np.dstack([grey] * 3)).convert("CMYK")
    path = save(tmp_path / "x.jpg", image, quality=95)
    assert np.abs(read_image(path).astype(int) - grey).max() < 12


def test_exif_orientation_is_not_applied(reference, tmp_path):
    """As torchxrayvision's reader: the pixels as stored."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "x.png", make_pixels(40, 90), exif=exif)
    assert read_image(path).shape == (40, 90)
    np.testing.assert_array_equal(read_image(path), reference[0](path))


def test_first_frame_of_an_animation(tmp_path):
    """Of several frames the first counts."""
    frames = [Image.fromarray(make_pixels(40, 50, seed)) for seed in range(2)]
    path = tmp_path / "x.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert read_image(path).shape == (40, 50)


def test_ending_may_lie(tmp_path):
    """A PNG called .jpg and a file without ending are read by their content."""
    pixels = make_pixels(40, 50)
    for name in ("x.jpg", "x", "x.txt"):
        path = save(tmp_path / name, pixels, format="PNG")
        np.testing.assert_array_equal(read_image(path), pixels)


def png_header(width, height):
    """Make a PNG of a claimed size with no pixels behind it."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0"))


def encode(image_format, size=(200, 200), kind=np.uint8):
    """Encode a random image to bytes."""
    buffer = io.BytesIO()
    Image.fromarray(make_pixels(*size).astype(kind)).save(buffer, image_format)
    return buffer.getvalue()


BAD_FILES = {
    "empty": (b"", "the file is empty"),
    "text": (b"patient,finding\n1,Pneumonia\n", "not an image of a known format"),
    "page": (b"<!DOCTYPE html><html></html>", "web page"),
    "dicom": (b"\0" * 128 + b"DICM" + b"\0" * 100, "DICOM"),
    "one pixel": (encode("PNG", (1, 1)), "1 x 1 pixels are too few"),
    "strip": (encode("PNG", (500, 10)), "10 x 500 pixels are too few"),
    "enormous": (png_header(20_000, 20_000), "too many pixels"),
    "large": (png_header(13_000, 12_000), "13000 x 12000 pixels are too many"),
    "half a JPEG": (encode("JPEG")[:5000], "damaged or truncated"),
    "half a PNG": (encode("PNG")[:5000], "damaged or truncated"),
    "JPEG without its end": (encode("JPEG")[:-3000], "damaged or truncated"),
    "start of a PNG": (encode("PNG")[:12], "damaged"),
    "no pixels": (png_header(100, 100), "damaged or truncated"),
    "floats": (encode("TIFF", kind=np.float32), "of kind 'F'"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_named_with_its_reason(tmp_path, name):
    """Every kind of bad file is an ImageError that names file and reason."""
    data, reason = BAD_FILES[name]
    path = tmp_path / "patient7.png"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=reason) as caught:
        read_image(path)
    assert "patient7.png" in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    """What is not a file says so."""
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "x.png")
    with pytest.raises(ImageError, match="a folder, not a file"):
        read_image(tmp_path)


def test_random_damage_never_escapes(tmp_path):
    """Flipped bytes anywhere give pixels or an ImageError, nothing else."""
    rng = np.random.default_rng(0)
    path = tmp_path / "x"
    for image_format in ("PNG", "JPEG", "TIFF", "GIF", "BMP"):
        good = encode(image_format, (64, 64))
        for _ in range(60):
            data = bytearray(good)
            for at in rng.integers(0, min(len(data), 400), 3):
                data[at] = rng.integers(256)
            path.write_bytes(data[: rng.integers(20, len(data) + 1)])
            with contextlib.suppress(ImageError):
                assert read_image(path).ndim == 2


def photo(image_format, seed=0):
    """Encode a picture with noise, as a photo has: its data spread over the whole file."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:150, 0:130]
    waves = np.stack([127 + 60 * np.sin(x / (9 + i)) * np.cos(y / (14 - i)) for i in range(3)], -1)
    pixels = (waves + 25 * rng.standard_normal(waves.shape)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format)
    return buffer.getvalue()


def spoil(data, rng):
    """Cut a file, and blank and fill a part of its second half, in every size."""
    half, end = len(data) // 2, len(data)
    for at in np.linspace(half, end - 1, 12).astype(int):
        yield data[:at]
        yield data[:at] + bytes(end - at)
        yield data[:at] + b"\xff" * (end - at)
        n = int(rng.integers(1, 600))
        yield data[:at] + bytes(min(n, end - at)) + data[at + n :]
        yield data[:at] + rng.bytes(min(n, end - at)) + data[at + n :]


@pytest.mark.parametrize("image_format", FORMATS)
def test_spoilt_second_half_never_escapes(tmp_path, image_format):
    """In every format that Pillow reads and writes: pixels or an ImageError, nothing else."""
    Image.init()
    if image_format not in Image.SAVE or image_format not in Image.OPEN:
        pytest.skip(f"this Pillow cannot write {image_format}")
    good = photo(image_format)
    path = tmp_path / "x.png"
    for data in spoil(good, np.random.default_rng(1)):
        path.write_bytes(data)
        for read in (
            lambda data: decode_image(data, path),
            lambda data: decode_smaller(data, path, side=64)[0],
            lambda data: decode_described(data, path, side=64)[0],
        ):
            with contextlib.suppress(ImageError):
                assert read(data).ndim == 2
    assert decode_image(good, path).shape == (150, 130)


class Failing:
    """Stand in for a decoder that raises what no list of classes names."""

    size, mode, format = (64, 64), "L", "JPEG"

    def __init__(self, error):
        self.error = error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def draft(self, *_):
        """Raise it."""
        raise self.error


@pytest.mark.parametrize(
    "error",
    [RuntimeError("Failed to decode frame"), AssertionError(), UserWarning("odd"), Exception()],
)
def test_decode_names_whatever_a_decoder_raises(monkeypatch, tmp_path, error):
    """The file and the decoder's own words, or the kind of its error where it says nothing."""
    monkeypatch.setattr(Image, "open", lambda *_, **__: Failing(error))
    with pytest.raises(ImageError, match=str(error) or type(error).__name__) as caught:
        decode_smaller(b"x", tmp_path / "7.avif", side=64)
    assert "7.avif" in str(caught.value)
    assert caught.value.__cause__ is error

    def open_badly(*_, **__):
        raise error

    monkeypatch.setattr(Image, "open", open_badly)
    with pytest.raises(ImageError, match="header is damaged"):
        decode_image(b"x", tmp_path / "7.avif")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_guard_image_lets_others_pass(error, tmp_path):
    """Ctrl-C, the program's end and a full memory are no image's fault."""

    def work():
        raise error

    with pytest.raises(error):
        guard_image(work, tmp_path / "x", "it is damaged")


def test_guard_image_can_hide_what_the_file_holds(tmp_path):
    """Neither the words nor a traceback lead to an error that quotes the file."""
    with pytest.raises(ImageError) as caught:
        guard_image(lambda: int("SECRET"), tmp_path / "x", "it is damaged", quote=False)
    assert caught.value.reason == "it is damaged"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_pillow_is_left_as_it_was(tmp_path):
    """Reading changes no setting of Pillow or of the warnings."""
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    path = tmp_path / "x.png"
    path.write_bytes(png_header(13_000, 12_000))
    with pytest.raises(ImageError):
        read_image(path)
    after = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    assert before == after
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.slow
def test_hundred_megapixels(tmp_path):
    """A 100-megapixel image works, without a warning."""
    pixels = np.broadcast_to(np.arange(10_000, dtype=np.uint16) % 251, (10_000, 10_000))
    path = save(tmp_path / "x.png", pixels.astype(np.uint8), compress_level=1)
    assert preprocess(read_image(path)).shape == (1, 224, 224)


def test_images_need_no_heavy_import():
    """Reading and preprocessing import neither torch nor scikit-image."""
    code = (
        "import sys, cxrlib.images.image_files\n"
        "print([m for m in ('torch', 'skimage', 'scipy', 'sklearn') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def compare_real(files, reference):
    """Compare pixels and values with torchxrayvision's, file by file."""
    read, prepare = reference
    for path in files:
        pixels = read_image(path)
        expected = read(path)
        np.testing.assert_array_equal(pixels, expected, err_msg=path.name)
        np.testing.assert_allclose(
            preprocess(pixels), prepare(expected), atol=1e-3, err_msg=path.name
        )


def list_files(real_root):
    """List the collection's image files."""
    return sorted(path for path in (real_root / "images").iterdir() if path.is_file())


def test_real_sample_equals_torchxrayvision(real_root, reference):
    """Every fortieth real file agrees in pixels and in values."""
    compare_real(list_files(real_root)[::40], reference)


@pytest.mark.slow
def test_real_files_all_equal_torchxrayvision(real_root, reference):
    """All 851 real files decode and agree."""
    files = list_files(real_root)
    assert len(files) >= 851
    compare_real(files, reference)


@pytest.mark.parametrize("kind", ["EPS", "ICO", "PDF"])
def test_programs_and_containers_are_no_images(tmp_path, monkeypatch, kind):
    """Pillow would hand EPS to Ghostscript, which runs it."""
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("was run"))
    path = tmp_path / "x.png"
    Image.new("RGB", (64, 64)).save(path, kind)
    with pytest.raises(ImageError, match="not an image of a known format"):
        read_image(path)


def test_eight_bits_keep_the_order_of_grey() -> None:
    """Brighter stays brighter, from darkest to brightest; a flat image does not fail."""
    image = np.array([[0, 100], [2000, 4095]], dtype=np.uint16)
    shown = to_eight_bits(image)
    assert (np.argsort(shown.ravel()) == np.argsort(image.ravel())).all()
    assert (shown.min(), shown.max()) == (0, 255)
    assert to_eight_bits(np.full((2, 2), 7, dtype=np.uint16)).tolist() == [[0, 0], [0, 0]]
