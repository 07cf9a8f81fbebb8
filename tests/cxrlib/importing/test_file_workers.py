"""Work on files in processes: in order, and one that breaks its process costs nothing else."""

import os

import pytest

from cxrlib.importing.file_workers import FileWorkers


def square(number: int) -> int:
    """Square; some numbers end the process as a decoder's fault would."""
    if number in (5, 11):
        os._exit(139)
    if number == 99:
        raise ValueError("99 is refused")
    return number**2


@pytest.mark.parametrize("n_together", [1, 4])
def test_file_workers_name_what_broke_a_process(n_together: int) -> None:
    """All others have their results, in order."""
    workers: FileWorkers[int, int] = FileWorkers(square, n_workers=2, n_together=n_together)
    results = list(workers.map(range(16)))
    assert results == [(i, None if i in (5, 11) else i**2) for i in range(16)]


def test_file_workers_raise_what_the_work_raises() -> None:
    """A full disk must not be taken for a bad file."""
    for n_workers in (0, 1):
        workers: FileWorkers[int, int] = FileWorkers(square, n_workers=n_workers)
        with pytest.raises(ValueError, match="99 is refused"):
            list(workers.map([1, 99]))


def test_file_workers_take_a_bounded_number_of_items_ahead() -> None:
    """Items are made when there is a place for them."""
    made = []

    def make() -> object:
        for i in range(20, 60):
            made.append(i)
            yield i

    workers: FileWorkers[int, int] = FileWorkers(square, n_workers=1)
    results = workers.map(make())
    assert next(results) == (20, 400)
    assert len(made) <= 4
    results.close()
