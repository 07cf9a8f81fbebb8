"""Read and prepare images in worker processes, in order and in bounded memory.

This module is what a worker imports: it stays free of tables and networks.
"""

import itertools
import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cxrlib.errors import CxrError, ImageError
from cxrlib.images.image_files import decode_image, guard_image, read_unchanged
from cxrlib.short_repr import short_repr
from cxrlib.system import ONE_THREAD, tie_to_parent, with_environment, without_script

Prepare = Callable[[np.ndarray], np.ndarray]
IMAGES_A_TASK = 4


@dataclass(frozen=True)
class ImageFile:
    """Name a file and the content it must have."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Prepared:
    """Hold what became of a file: an array to compute on, or why there is none."""

    sha256: str
    item: np.ndarray | None
    reason: str = ""
    __repr__ = short_repr


def prepare_images(
    files: Iterable[ImageFile], prepare: Prepare, *, n_workers: int, n_ahead: int
) -> Generator[Prepared, None, None]:
    """Read, check, decode and prepare files, in their order.

    Parameters
    ----------
    files : iterable of ImageFile
    prepare : callable
        From pixels to an array; a function of a module, so that a worker can find it.
    n_workers : int
        Worker processes; 0 works in this process.
    n_ahead : int
        Most images in the workers or waiting to be taken: the bound on memory.

    Yields
    ------
    Prepared

    Raises
    ------
    CxrError
        When a worker process dies, of too little memory for example.
    """
    if n_workers == 0:
        for file in files:
            yield _prepare_one(file, prepare)
        return
    # "spawn": a forked copy of a process with threads (torch, Arrow) can hang.
    pool = ProcessPoolExecutor(
        n_workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(prepare,),
    )
    tasks = _cut(files, IMAGES_A_TASK)
    waiting: deque[Future[list[Prepared]]] = deque()
    try:
        # Workers start at the first tasks.
        with with_environment(ONE_THREAD), without_script(prepare):
            for task in itertools.islice(tasks, max(n_workers + 1, n_ahead // IMAGES_A_TASK)):
                waiting.append(pool.submit(_prepare_task, task))
        while waiting:
            done = waiting.popleft().result()
            for task in itertools.islice(tasks, 1):
                with without_script(prepare):
                    waiting.append(pool.submit(_prepare_task, task))
            yield from done
    except BrokenProcessPool as error:
        raise CxrError(
            "A worker process ended unexpectedly. Too little memory is the usual cause: run again "
            "with fewer workers, what was computed so far is stored. In a script of your own, "
            "call it under if __name__ == '__main__': workers import the script."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _cut(files: Iterable[ImageFile], size: int) -> Iterator[list[ImageFile]]:
    iterator = iter(files)
    while task := list(itertools.islice(iterator, size)):
        yield task


def _prepare_one(file: ImageFile, prepare: Prepare) -> Prepared:
    try:
        pixels = decode_image(read_unchanged(file.path, file.sha256), file.path)
        # An extractor's preparation may be anyone's.
        item = guard_image(lambda: prepare(pixels), file.path, "it could not be prepared")
        return Prepared(file.sha256, item)
    except ImageError as error:
        return Prepared(file.sha256, None, error.reason)


_worker_prepare: list[Prepare] = []


def _start_worker(prepare: Prepare) -> None:
    _worker_prepare[:] = [prepare]
    tie_to_parent()


def _prepare_task(task: list[ImageFile]) -> list[Prepared]:
    return [_prepare_one(file, _worker_prepare[0]) for file in task]
