"""Compare importing a folder of DICOM films with plain pydicom that decodes the same files.

Films are generated: 12 of 16 bits, noise of a detector over a smooth picture, each stored in one
of six ways in turn: uncompressed, deflated, RLE, JPEG Lossless, JPEG-LS, JPEG 2000. The reference
is what one would write with pydicom's documentation at hand: ``dcmread(path).pixel_array``, by as
many processes, with whatever decoders pydicom finds; where it has none for JPEG Lossless and
JPEG-LS, imagecodecs decodes the frame. It neither windows nor writes anything. Ours also finds the
films, takes the header apart, looks for letters, and writes a PNG of 16 bits each.

Runs alternate and medians are compared. Beside the ratio it prints the same by way of storage, and
what writing alone takes.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy import ndimage

from cxrlib.images import encode_png
from cxrlib.importing import DicomOptions, import_dicom
from cxrlib.system import ONE_THREAD, count_cores, with_environment
from tests.dicom_factory import DEFLATED, make_compressed, make_dataset, write

JPEG = "1.2.840.10008.1.2.4."
RLE = "1.2.840.10008.1.2.5"
WAYS = {
    "uncompressed": "1.2.840.10008.1.2.1",
    "deflated": DEFLATED,
    "RLE": RLE,
    "JPEG Lossless": f"{JPEG}70",
    "JPEG-LS": f"{JPEG}80",
    "JPEG 2000": f"{JPEG}90",
}


def draw_film(side: int, seed: int) -> np.ndarray:
    """Draw a smooth picture of 12 bits with the noise of a detector."""
    rng = np.random.default_rng(seed)
    coarse = ndimage.zoom(rng.random((12, 12)), side / 12, order=3)[:side, :side]
    levels = (coarse - coarse.min()) / np.ptp(coarse) * 3500 + 200
    return np.clip(levels + rng.normal(0, 8, levels.shape), 0, 4095).astype(np.uint16)


def make_film(way: str, pixels: np.ndarray, number: int) -> bytes:
    """Make a film that is stored in one way."""
    import imagecodecs
    from pydicom.pixels.utils import compress

    fields = {
        "PatientID": f"{number // 3}",
        "SOPInstanceUID": f"1.2.3.{number}",
        "StudyInstanceUID": f"1.2.4.{number}",
        "StudyDate": f"202001{1 + number % 28:02d}",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "AP",
        "BitsStored": 12,
        "WindowCenter": "2000",
        "WindowWidth": "3800",
    }
    encoders: dict[str, Callable[[], bytes]] = {
        "JPEG Lossless": lambda: imagecodecs.jpeg8_encode(
            pixels, lossless=True, predictor=1, bitspersample=12
        ),
        "JPEG-LS": lambda: imagecodecs.jpegls_encode(pixels),
        "JPEG 2000": lambda: imagecodecs.jpeg2k_encode(
            pixels, reversible=True, level=0, codecformat="j2k", bitspersample=12
        ),
    }
    if way in encoders:
        return make_compressed(pixels, bytes(encoders[way]()), WAYS[way], **fields)
    dataset = make_dataset(pixels, **fields)
    if way == "RLE":
        write(dataset)
        compress(dataset, RLE)
    return write(dataset, WAYS[way])


def make_folder(folder: Path, n_films: int, side: int) -> None:
    """Write films, a folder a way; a few drawings with numbers of their own."""
    drawings = [draw_film(side, seed) for seed in range(2)]
    frames: dict[tuple[str, int], bytes] = {}
    for number in range(n_films):
        way = list(WAYS)[number % len(WAYS)]
        key = way, number // len(WAYS) % 2
        # A UID and an id of as many letters are laid over those of the first film of the kind.
        frames.setdefault(key, make_film(way, drawings[key[1]], 100_000))
        data = make_film(way, drawings[key[1]], number) if way == "deflated" else frames[key]
        data = data.replace(b"1.2.3.100000", f"1.2.3.{100_000 + number}".encode())
        data = data.replace(b"1.2.4.100000", f"1.2.4.{100_000 + number}".encode())
        place = folder / way
        place.mkdir(exist_ok=True)
        (place / f"{number}").write_bytes(data)


def decode_plainly(path: Path) -> int:
    """Decode a film as pydicom's documentation says; give its number of pixels."""
    import imagecodecs
    from pydicom import dcmread
    from pydicom.encaps import generate_frames

    dataset = dcmread(path)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax not in (WAYS["JPEG Lossless"], WAYS["JPEG-LS"]):
        return int(dataset.pixel_array.size)
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    is_lossless = syntax == WAYS["JPEG Lossless"]
    decode = imagecodecs.jpeg8_decode if is_lossless else imagecodecs.jpegls_decode
    return int(decode(frame).size)


def run_plainly(folder: Path, n_workers: int) -> float:
    """Return the seconds that plain decoding of a folder takes."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    start = time.perf_counter()
    with with_environment(ONE_THREAD), ProcessPoolExecutor(n_workers, get_context("spawn")) as pool:
        assert all(pool.map(decode_plainly, paths, chunksize=4))
    return time.perf_counter() - start


def run_import(folder: Path, n_workers: int) -> float:
    """Return the seconds that an import of a folder takes."""
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        done = import_dicom(
            folder,
            Path(name, "cohort"),
            key_file=Path(name, "key"),
            options=DicomOptions(n_workers=n_workers),
        )
        seconds = time.perf_counter() - start
    assert not done.failed
    return seconds


def compare(folder: Path, n_workers: int, n_rounds: int) -> tuple[float, float]:
    """Return the median seconds of plain decoding and of importing, in turns."""
    times = [
        (run_plainly(folder, n_workers), run_import(folder, n_workers)) for _ in range(n_rounds)
    ]
    return statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)


def main() -> None:
    """Print rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--side", type=int, default=2048, help="pixels a side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=count_cores(most=2))
    parser.add_argument("--by-way", action="store_true", help="also each way of storage alone")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_folder(folder, asked.images, asked.side)
        plain, ours = compare(folder, asked.workers, asked.rounds)
        print(f"{asked.images} films of {asked.side} x {asked.side}, {asked.workers} processes")
        print(f"plain pydicom, decoding only  {asked.images / plain:7.1f} films/s")
        print(f"import, PNG and all           {asked.images / ours:7.1f} films/s")
        print(f"ratio of rates                {plain / ours:7.2f}")
        for way in WAYS if asked.by_way else ():
            plain, ours = compare(folder / way, asked.workers, asked.rounds)
            print(f"  {way:<15} plain {plain:6.2f} s, import {ours:6.2f} s: {plain / ours:.2f}")
    pixels = draw_film(asked.side, 0) * np.uint16(16)
    start = time.perf_counter()
    encode_png(pixels)
    print(f"writing one PNG takes {time.perf_counter() - start:.3f} s")


if __name__ == "__main__":
    main()
