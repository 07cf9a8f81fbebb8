"""A worker whose work stands still while a file is there: ``FILE cxrlib work --cache ...``.

A job is then surely under way, however fast the machine. All else is as it always is: the
command line, the processes that prepare images, progress, cancelling.
"""

import runpy
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

LOOK_INTERVAL = 0.02  # seconds


def hold_embedding(compute: Callable[..., Any], gate: Path) -> Callable[..., Any]:
    """Stand still after each batch, until the gate is open or the work is to stop."""

    @wraps(compute)
    def held(
        *arguments: Any,
        on_progress: Callable[..., None],
        should_stop: Callable[[], bool],
        **options: Any,
    ) -> Any:
        def report(*counts: float) -> None:
            on_progress(*counts)
            while gate.exists() and not should_stop():
                time.sleep(LOOK_INTERVAL)

        return compute(*arguments, on_progress=report, should_stop=should_stop, **options)

    return held


def hold_map(compute: Callable[..., Any], gate: Path) -> Callable[..., Any]:
    """Stand still before a map until the gate is open, whoever asks to stop: as UMAP does."""

    @wraps(compute)
    def held(*arguments: Any, **options: Any) -> Any:
        while gate.exists():
            time.sleep(LOOK_INTERVAL)
        return compute(*arguments, **options)

    return held


def main() -> None:
    """Change what the work is done by, then be the command line."""
    from cxrlib.embedding import embeddings
    from cxrlib.maps import mapped_cohort

    gate = Path(sys.argv[1])
    embeddings.compute_embeddings = hold_embedding(embeddings.compute_embeddings, gate)
    mapped_cohort.compute_map = hold_map(mapped_cohort.compute_map, gate)
    sys.argv[1:] = sys.argv[3:]
    runpy.run_module("cxrlib", run_name="__main__")


if __name__ == "__main__":
    main()
