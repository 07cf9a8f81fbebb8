"""A script of a few lines works as it stands: workers do not run it again."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

PLAIN = """
import cxrlib as cxr
cohort = cxr.load_cohort({root!r}, cache={cache!r})
print(cxr.embed(cohort).outputs.shape)
"""

OWN = """
from cxrlib.images import ImageFile, prepare_images
from cxrlib.storage import hash_file
from pathlib import Path

def halve(pixels):
    return pixels / 2

if __name__ == "__main__":
    path = Path({root!r}, "images", "image1.png")
    files = [ImageFile(path, hash_file(path))]
    (one,) = prepare_images(files, halve, n_workers=1, n_ahead=1)
    print(one.item is not None, one.reason)
"""


def run_script(text: str, folder: Path, root: Path) -> list[str]:
    """Run a script from its file and give the lines that it printed."""
    script = folder / "script.py"
    script.write_text(text.format(root=str(root), cache=str(folder / "cache")))
    answer = subprocess.run(
        [sys.executable, str(script)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()


def test_script_without_a_guard_runs_once(tmp_path: Path, demo_root: Path) -> None:
    """No ``if __name__ == "__main__"`` is needed; the images are enough for workers."""
    assert run_script(PLAIN, tmp_path, demo_root) == ["(40, 8)"]


def test_workers_find_what_a_script_defines(tmp_path: Path, demo_root: Path) -> None:
    """A function of the script's own is found in the workers, under the guard as before."""
    assert run_script(OWN, tmp_path, demo_root) == ["True "]
