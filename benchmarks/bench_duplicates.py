"""Near-identical images: copies found and strangers merged, seconds for 1,000 images, growth.

Copies are made of the demo's images and, with CXR_DATA, of the real collection's: cut by up to
15 % a side, each side by itself, scaled to 40-100 %, their greys changed (gamma, contrast, local
equalisation or not at all), saved as JPEG of quality 30 to 90. All other images are controls. A
pair is right if it is a copy and its original, or two images of one patient id or of ids known to
be one person; any other pair is wrong. Growth is measured on made-up signatures.
"""

import argparse
import io
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.cohorts import find_real_root
from cxrlib.cohort.landmarks import LANDMARK, read_landmarks
from cxrlib.cohort.near_duplicates import MIN_AGREEMENT, SIDE, find_near_duplicates
from cxrlib.cohort.persons import inspect_images
from cxrlib.images import read_image
from cxrlib.synthetic.write import generate_demo

LEAST_RECALL, LEAST_PRECISION, MOST_SECONDS, MOST_GROWTH = 0.9, 0.99, 60.0, 2.0
DEEPEST_CUT = 0.15
#: Ids of the real collection that are one person, by eye.
ONE_PERSON = (
    *(("97", "178"), ("87", "462"), ("142", "446"), ("176", "448"), ("78", "201"), ("100", "450")),
    *(("423a", "425d"), ("321", "422"), ("137", "202"), ("192", "196"), ("193", "195")),
    ("30", "31"),
)
TONES = ("gamma", "contrast", "local", "none")


def alter(image: np.ndarray, tone: str, rng: np.random.Generator) -> bytes:
    """Make an altered copy of an 8-bit image, as the bytes of a JPEG file."""
    from skimage.exposure import equalize_adapthist

    height, width = image.shape
    left, right, top, bottom = rng.uniform(0, DEEPEST_CUT, 4)
    cut = image[
        int(top * height) : height - int(bottom * height),
        int(left * width) : width - int(right * width),
    ]
    factor = rng.uniform(0.4, 1)
    sides = [max(40, int(side * factor)) for side in cut.shape[::-1]]
    pixels = Image.fromarray(cut).resize((sides[0], sides[1]), Image.Resampling.BICUBIC)
    greys = np.asarray(pixels) / 255
    if tone == "gamma":
        greys = greys ** np.exp(rng.uniform(np.log(0.6), np.log(1.7)))
    elif tone == "contrast":
        greys = (greys - 0.5) * rng.uniform(0.6, 1.5) + 0.5 + rng.uniform(-0.1, 0.1)
    elif tone == "local":
        greys = equalize_adapthist(greys, clip_limit=rng.uniform(0.005, 0.03))
    elif tone == "inverted":
        greys = 1 - greys
    file = io.BytesIO()
    eight = Image.fromarray((greys.clip(0, 1) * 255).round().astype(np.uint8))
    eight.save(file, "JPEG", quality=int(rng.integers(30, 91)))
    return file.getvalue()


def list_files(root: Path, ids: list[set[str]]) -> pd.DataFrame:
    """List a cohort's readable X-rays: path and person."""
    table = pd.read_csv(root / "metadata.csv", dtype=str)
    table = table[table["modality"] == "X-ray"].drop_duplicates("filename")
    table["path"] = [root / "images" / name for name in table["filename"]]
    table = table[[path.is_file() for path in table["path"]]]
    first = {each: sorted(group)[0] for group in ids for each in group}
    table["person"] = table["patientid"].map(lambda each: first.get(each, each))
    return table[["path", "person"]].reset_index(drop=True)


def make_copies(
    files: pd.DataFrame, n_images: int, share: float, folder: Path, tones: tuple[str, ...]
) -> dict[str, tuple[Path, str, str]]:
    """Choose files and alter copies of some: path, person and original by name."""
    rng = np.random.default_rng(0)
    n_originals = min(len(files), round(n_images / (1 + share)))
    rows = rng.permutation(len(files))[:n_originals]
    images = {
        f"{row}": (files["path"][row], files["person"][row], f"{row}") for row in sorted(rows)
    }
    for number in range(n_images - n_originals):
        row, tone = rows[number % n_originals], tones[number % len(tones)]
        pixels = read_image(files["path"][row])
        if pixels.dtype != np.uint8:
            pixels = (pixels >> 8).astype(np.uint8)
        path = folder / f"{tone}-{number}.jpg"
        path.write_bytes(alter(pixels, tone, rng))
        images[path.stem] = (path, files["person"][row], f"{row}")
    return images


def measure(name: str, files: pd.DataFrame, n_images: int, tones: tuple[str, ...]) -> bool:
    """Find the copies among n_images and print how many, how surely and how fast."""
    with tempfile.TemporaryDirectory() as folder:
        images = make_copies(files, n_images, 0.5, Path(folder), tones)
        start = time.perf_counter(), time.process_time()
        looks = inspect_images({key: path for key, (path, _, _) in images.items()}, n_workers=2)
        table = looks.table.set_axis(pd.Index(looks.table.index, name="image_id"))
        read = time.perf_counter()
        pairs = find_near_duplicates(table)
        stop = time.perf_counter(), time.process_time()
    found = list(zip(pairs["first"], pairs["second"], strict=True))
    wanted = {key for key, (_, _, original) in images.items() if key != original}
    hits = {key for pair in found for key in pair if key in wanted and images[key][2] in pair}
    wrong = [pair for pair in found if images[pair[0]][1] != images[pair[1]][1]]
    recall = len(hits) / len(wanted)
    precision = 1 - len(wrong) / max(len(found), 1)
    seconds = (stop[0] - start[0]) * 1000 / len(images)
    print(
        f"{name}: {len(hits)} of {len(wanted)} copies found among {len(images):,} images (recall "
        f"{recall:.3f}; at least {LEAST_RECALL}); {len(wrong)} of {len(found)} pairs wrong "
        f"(precision {precision:.3f}; at least {LEAST_PRECISION}). "
        f"{seconds:.1f} s for 1,000 images, reading "
        f"included (at most {MOST_SECONDS:g}); reading {read - start[0]:.1f} s, search "
        f"{stop[0] - read:.1f} s, processor {stop[1] - start[1]:.1f} s."
    )
    for tone in tones:
        each = {key for key in wanted if key.startswith(tone)}
        print(f"  {tone}: {len(each & hits)} of {len(each)}")
    for one, two in wrong:
        print(f"  wrong: {images[one][0]} and {images[two][0]}")
    good = recall >= LEAST_RECALL and precision >= LEAST_PRECISION
    return good and seconds <= MOST_SECONDS


# ---- growth


def mix(table: pd.DataFrame, n_images: int) -> pd.DataFrame:
    """Make up signatures: descriptions and cells are each mixed from two real ones."""
    rng = np.random.default_rng(n_images)
    pool = read_landmarks(b"".join(table["landmarks"]))
    sizes = table["landmarks"].str.len().to_numpy() // LANDMARK.itemsize
    cells = np.frombuffer(b"".join(table["signature"]), np.uint8).reshape(-1, SIDE, SIDE)

    def make() -> Iterator[tuple[bytes, bytes, int, int]]:
        for _ in range(n_images):
            chosen = pool[rng.integers(0, len(pool), int(rng.choice(sizes)))]
            other = pool["numbers"][rng.integers(0, len(pool), len(chosen))]
            angle = rng.uniform(0, np.pi / 2, (len(chosen), 1))
            numbers = np.cos(angle) * chosen["numbers"] + np.sin(angle) * other
            length = np.maximum(np.linalg.norm(numbers, axis=1, keepdims=True), 1)
            chosen["numbers"] = np.rint(127 * numbers / length)
            one, two = cells[rng.integers(0, len(cells), 2)]
            mixed = one / 2.0 + np.roll(two, rng.integers(0, SIDE, 2), axis=(0, 1)) / 2.0
            yield (
                mixed.astype(np.uint8).tobytes(),
                chosen.tobytes(),
                500,
                int(rng.integers(400, 600)),
            )

    columns = ["signature", "landmarks", "width", "height"]
    return pd.DataFrame(make(), columns=columns, index=[str(i) for i in range(n_images)])


def grow(table: pd.DataFrame, sizes: list[int]) -> bool:
    """Search in ever more made-up signatures; the time per n log n may double at most."""
    costs = []
    for size in sizes:
        looks = mix(table, size)
        start = time.perf_counter(), time.process_time()
        pairs = find_near_duplicates(looks)
        seconds, processor = time.perf_counter() - start[0], time.process_time() - start[1]
        costs.append(processor / (size * np.log(size)))
        print(
            f"{size:,} made-up images: {seconds:.1f} s, processor {processor:.1f} s, "
            f"{1e6 * costs[-1]:.0f} µs x n log n; {len(pairs)} pairs.",
            flush=True,
        )
    growth = costs[-1] / costs[0]
    print(
        f"From {sizes[0]:,} to {sizes[-1]:,}: {growth:.2f} times n log n (at most {MOST_GROWTH})."
    )
    return growth <= MOST_GROWTH


def main() -> None:
    """Measure both collections, then growth; end with an error where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[4000, 16_000, 100_000])
    parser.add_argument("--tones", nargs="+", default=list(TONES), help="also: inverted")
    parser.add_argument("--only", choices=["copies", "growth"])
    arguments = parser.parse_args()
    print(f"Blocks must agree with {MIN_AGREEMENT}.")
    verdicts = {}
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo"
        generate_demo(demo)
        planted = json.loads((demo / "planted.json").read_text())["planted"]
        groups = planted["same_person"]["groups"]
        sources = {"demo": list_files(demo, [set(group) for group in groups])}
        real_root = find_real_root()
        if real_root is not None:
            sources["real"] = list_files(real_root, [set(pair) for pair in ONE_PERSON])
        if arguments.only != "growth":
            for name, files in sources.items():
                verdicts[name] = measure(name, files, arguments.images, tuple(arguments.tones))
        if arguments.only != "copies":
            files = list(sources.values())[-1]["path"]
            table = inspect_images({str(i): path for i, path in enumerate(files)}).table
            verdicts["growth"] = grow(table[table["signature"] != b""], arguments.sizes)
    print(json.dumps(verdicts))
    raise SystemExit(0 if all(verdicts.values()) else 1)


if __name__ == "__main__":
    main()
