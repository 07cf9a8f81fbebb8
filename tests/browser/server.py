"""A fresh dashboard server on a free port, for one look."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 900  # seconds; the first start generates, embeds and maps


@contextlib.contextmanager
def served(
    data: Path | None,
    *,
    cache: Path,
    log: Path,
    extractor: str = "auto",
    port: int | None = None,
) -> Iterator[str]:
    """Serve a cohort, on a free port unless one is named; stop the server at the end."""
    port = port or find_free_port()
    command = [sys.executable, "-m", "cxrlib", "serve", "--port", str(port)]
    command += ["--cache", str(cache), "--extractor", extractor]
    if data is not None:
        command += ["--data", str(data)]
    env = {key: value for key, value in os.environ.items() if key != "CXR_DATA"}
    env["PYTHONPATH"] = str(ROOT)
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=env)
        try:
            address = f"http://localhost:{port}"
            wait_for(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)


def find_free_port() -> int:
    """Ask the system for a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
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
