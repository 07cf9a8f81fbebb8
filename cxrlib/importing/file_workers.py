"""Work on hostile files in processes of their own: one that breaks its process costs nothing else.

A decoder is code in C that gets bytes from anywhere. Where it ends a process, the files that were
being worked on are tried again, each alone, so that the one to blame is known by place.
"""

import itertools
import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Generic, TypeVar

from cxrlib.system import ONE_THREAD, tie_to_parent, with_environment, without_script

Item = TypeVar("Item")
Result = TypeVar("Result")


class FileWorkers(Generic[Item, Result]):
    """Map a function over items in processes, in order and in bounded memory.

    Parameters
    ----------
    work : callable
        A function of a module. What it raises is raised here.
    n_workers : int
        Processes; 0 works in this process.
    n_together : int
        Items a task: more for short work.
    """

    def __init__(
        self, work: Callable[[Item], Result], *, n_workers: int, n_together: int = 1
    ) -> None:
        self._work = work
        self._n_workers = n_workers
        self._n_together = n_together

    def map(self, items: Iterable[Item]) -> Generator[tuple[Item, Result | None], None, None]:
        """Yield each item with its result; None where it broke its process."""
        if self._n_workers == 0:
            for item in items:
                yield item, self._work(item)
            return
        tasks = _cut(items, self._n_together)
        waiting: deque[tuple[list[Item], Future[list[Result]]]] = deque()
        while True:
            try:
                yield from self._run(tasks, waiting)
            except BrokenProcessPool:
                suspects = [item for task, _ in waiting for item in task]
                waiting.clear()
                yield from self._try_alone(suspects)
            else:
                return

    def _start(self, n_workers: int) -> ProcessPoolExecutor:
        # "spawn": a forked copy of a process with threads (torch, Arrow) can hang.
        return ProcessPoolExecutor(
            n_workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(self._work,),
        )

    def _run(
        self,
        tasks: Iterator[list[Item]],
        waiting: deque[tuple[list[Item], Future[list[Result]]]],
    ) -> Iterator[tuple[Item, Result]]:
        """Work on tasks; what is in `waiting` when a process breaks was not yielded."""
        pool = self._start(self._n_workers)

        def submit(n_tasks: int) -> None:
            with with_environment(ONE_THREAD), without_script(self._work):
                for task in itertools.islice(tasks, n_tasks):
                    # Noted before it is submitted: a broken pool takes nothing.
                    waiting.append((task, Future()))
                    waiting[-1] = (task, pool.submit(_work_on, task))

        try:
            submit(2 * self._n_workers)
            while waiting:
                task, future = waiting[0]
                results = future.result()
                waiting.popleft()
                yield from zip(task, results, strict=True)
                submit(1)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _try_alone(self, items: Sequence[Item]) -> Iterator[tuple[Item, Result | None]]:
        for item in items:
            one: deque[tuple[list[Item], Future[list[Result]]]] = deque()
            try:
                yield from self._run(iter([[item]]), one)
            except BrokenProcessPool:
                yield item, None


def _cut(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while task := list(itertools.islice(iterator, size)):
        yield task


_worker_work: list[Callable[[Any], Any]] = []


def _start_worker(work: Callable[[Any], Any]) -> None:
    _worker_work[:] = [work]
    tie_to_parent()


def _work_on(task: list[Any]) -> list[Any]:
    return [_worker_work[0](item) for item in task]
