"""The environment of processes: cores, variables, commands, priority."""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

#: Where new processes start, so that they find this package and nobody else's modules.
PACKAGE_FOLDER = Path(__file__).resolve().parents[2]
NICENESS = 5

# Each names the threads of one numerical library; more than one a worker only adds fights.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ),
    "1",
)


def count_cores(*, most: int | None = None) -> int:
    """Count the cores that this process may use, which can be fewer than the machine has.

    Parameters
    ----------
    most : int, optional
        No more than this.
    """
    if hasattr(os, "sched_getaffinity"):
        n_cores = len(os.sched_getaffinity(0))
    else:
        n_cores = os.cpu_count() or 1
    return n_cores if most is None else min(n_cores, most)


@contextlib.contextmanager
def with_environment(variables: Mapping[str, str], *, overwrite: bool = True) -> Iterator[None]:
    """Set environment variables that new processes inherit, and put them back afterwards.

    Parameters
    ----------
    variables : mapping of str to str
    overwrite : bool, default True
        Whether variables that are set already are changed as well.
    """
    wanted = {k: v for k, v in variables.items() if overwrite or k not in os.environ}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def without_script(passed: object = None) -> Iterator[None]:
    """Let workers that are started meanwhile not import the script that runs.

    A script of ten lines would run again in each of them, and start workers of its own.

    Parameters
    ----------
    passed : object, optional
        What the workers get: where the script defines it they need the script, and import it.
    """
    main = sys.modules["__main__"]
    # Written as multiprocessing writes it, only to be looked at.
    if b"__main__" in bytes(ForkingPickler.dumps(passed)):
        yield
        return
    spec, path = main.__spec__, vars(main).pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        main.__spec__ = spec
        if path is not None:
            main.__file__ = path


def run_module(module: str, *arguments: str) -> list[str]:
    """Give the command that runs a module of this package; start it in `PACKAGE_FOLDER`.

    multiprocessing would not do: Streamlit replaces ``__main__``, so a worker of its would run
    the page's script again.
    """
    return [sys.executable, "-m", module, *arguments]


def give_way() -> None:
    """Let others go first, and be the process that is ended where memory runs out."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    # Linux then ends this process rather than the server; others have no such file.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def tie_to_parent() -> None:
    """Leave Ctrl-C to the parent, and end this worker when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker if its parent was killed: it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
