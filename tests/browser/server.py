"""A fresh dashboard server on a free port, for one look."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 900  # seconds; the first start generates, embeds and maps


@contextlib.contextmanager
def served(
    data: Path | Sequence[Path] | None,
    *,
    cache: Path,
    log: Path,
    extractor: str = "auto",
    port: int | None = None,
) -> Iterator[str]:
    """Serve one cohort or several, on a free port unless one is named; stop it at the end."""
    port = port or find_free_port()
    command = ["cxrlib", "serve", "--port", str(port)]
    command += ["--cache", str(cache), "--extractor", extractor]
    for folder in [data] if isinstance(data, Path) else data or ():
        command += ["--data", str(folder)]
    with _running(command, port, log=log) as address:
        yield address


@contextlib.contextmanager
def served_script(script: Path, *, log: Path, data: Path | None = None) -> Iterator[str]:
    """Serve a Streamlit script of its own, which finds a cohort's folder in CXR_DATA."""
    port = find_free_port()
    command = ["streamlit", "run", str(script), "--server.port", str(port)]
    with _running(command, port, log=log, data=data) as address:
        yield address


@contextlib.contextmanager
def _running(
    command: list[str], port: int, *, log: Path, data: Path | None = None
) -> Iterator[str]:
    """Run a server's module, give its address; stop it at the end."""
    env = {key: value for key, value in os.environ.items() if key != "CXR_DATA"}
    env["PYTHONPATH"] = str(ROOT)
    if data is not None:
        env["CXR_DATA"] = str(data)
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, stdout=output, stderr=output, env=env
        )
        try:
            address = f"http://localhost:{port}"
            _wait_for(address, process, log)
            yield address
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a server to end; end it where it does not."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def find_free_port() -> int:
    """Ask the system for a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server says it is healthy; show its log if it ends before."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode}:\n{log.read_text()}")
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer,  # noqa: S310
        ):
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"The server did not start in {START_TIMEOUT} s:\n{log.read_text()}")
