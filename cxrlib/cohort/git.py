"""Git, run so that nothing else runs with it and only the settings written here count.

A repository may bring hooks, filters, links and submodules, and a user's settings may name
programs. Git is told here to use none of them, to ask for no password and to talk over one
protocol. Between two runs only the objects are kept, so that nothing else that an interrupted
run left behind, such as a lock, has an effect.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cxrlib.errors import DownloadError
from cxrlib.system import describe_network_error

POLL = 0.1  # seconds between two looks at a running command
SILENCE = 60.0  # seconds without a new byte
TRIES, PAUSE = 3, 2.0  # of a fetch; seconds between two, longer each time

OnWait = Callable[[int], None]

_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.symlinks": "false",
    "core.autocrlf": "false",
    "core.bare": "false",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.lowSpeedLimit": "1000",  # fewer bytes a second than this, for so many seconds:
    "http.lowSpeedTime": "60",
    "protocol.allow": "never",
    "remote.origin.promisor": "true",  # contents are left out until they are asked for
    "remote.origin.partialCloneFilter": "blob:none",
}
# Files are written as they are stored, whatever attributes the repository gives them.
_ATTRIBUTES = "* -text -ident -filter -working-tree-encoding\n"


class Git:
    """Run git on a repository whose objects come from one address.

    Parameters
    ----------
    folder : Path
        Where the repository lies. Its ``objects`` are kept, the rest is made anew.
    tree : Path
        Where files are written.
    url : str
        Where objects are fetched from.
    """

    def __init__(self, folder: Path, tree: Path, url: str) -> None:
        self.objects = folder / "objects"
        self._url = url
        self._tree = tree
        repository = folder / "repository"
        shutil.rmtree(repository, ignore_errors=True)
        for stale in self.objects.glob("pack/tmp_*"):  # of a run that was killed
            stale.unlink(missing_ok=True)
        own = {"remote.origin.url": url, f"protocol.{urlsplit(url).scheme}.allow": "always"}
        settings = [f"{name}={value}" for name, value in (_SETTINGS | own).items()]
        self._command = ["git", *(part for setting in settings for part in ("-c", setting))]
        self._environment = _clean_environment() | {
            "GIT_DIR": str(repository),
            "GIT_WORK_TREE": str(tree),
            "GIT_OBJECT_DIRECTORY": str(self.objects),
            # What an old git (before 2.32) and libcurl read of a user lies there.
            "HOME": str(repository),
            "XDG_CONFIG_HOME": str(repository),
        }
        self.run("init", "--quiet", "--template=")
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info" / "attributes").write_text(_ATTRIBUTES, encoding="utf-8")

    def run(self, *arguments: str, given: bytes = b"", on_wait: OnWait | None = None) -> bytes:
        """Run a command to its end and return what it writes.

        Parameters
        ----------
        *arguments : str
        given : bytes
            What the command reads from its standard input.
        on_wait : callable, optional
            Called ten times a second with the bytes that have arrived so far, in this and
            earlier commands; what it raises ends the command.

        Raises
        ------
        DownloadError
            When the command fails.
        """
        with contextlib.ExitStack() as stack:
            given_file, output, messages = (
                stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)
            )
            given_file.write(given)
            given_file.seek(0)
            with subprocess.Popen(
                [*self._command, *arguments],
                cwd=self._tree,
                env=self._environment,
                stdin=given_file,
                stdout=output,
                stderr=messages,
            ) as process:
                try:
                    self._wait(process, on_wait)
                except BaseException:
                    process.terminate()  # git ends its helpers
                    raise
            messages.seek(0)
            if process.returncode:
                said = _find_last_error(messages.read().decode(errors="replace"))
                raise DownloadError(self._url, describe_network_error(said))
            output.seek(0)
            return output.read()

    def fetch_commit(self, commit: str, *, on_wait: OnWait) -> None:
        """Fetch a commit with the list of its files; once, to learn soon if there is no network.

        Raises
        ------
        DownloadError
            When it cannot be had.
        """
        self._fetch("--depth=1", "origin", commit, on_wait=on_wait)

    def fetch_files(self, ids: Sequence[str], *, on_wait: OnWait) -> None:
        """Fetch contents of files by Git's ids: all of them arrive, or none.

        Raises
        ------
        DownloadError
            When they cannot be had, although it was tried three times.
        """
        for attempt in range(1, TRIES + 1):
            try:
                self._fetch("origin", *ids, on_wait=on_wait)
                return
            except DownloadError:
                if attempt == TRIES:
                    raise
            time.sleep(attempt * PAUSE)

    def list_held(self) -> dict[str, int]:
        """List the objects that have arrived, with their sizes in bytes once unpacked."""
        form = "--batch-check=%(objectname) %(objectsize)"
        found = self.run("cat-file", form, "--batch-all-objects").decode()
        return {id_: int(size) for id_, size in map(str.split, found.splitlines())}

    def n_bytes(self) -> int:
        """Count the bytes that have arrived, also of a transfer that goes on."""
        total = 0
        for path in self.objects.rglob("*"):
            with contextlib.suppress(OSError):  # it was renamed meanwhile
                total += path.stat().st_size
        return total

    def _fetch(self, *arguments: str, on_wait: OnWait) -> None:
        options = ("--quiet", "--no-tags", "--recurse-submodules=no", "--filter=blob:none")
        self.run("fetch", *options, *arguments, on_wait=on_wait)

    def _wait(self, process: subprocess.Popen[bytes], on_wait: OnWait | None) -> None:
        """Wait for a process, and notice a server that is silent: git would wait for minutes."""
        last, since = -1, time.monotonic()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL)
                return
            if on_wait is None:
                continue
            on_wait(now := self.n_bytes())
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > SILENCE:
                raise DownloadError(self._url, f"nothing arrived for {SILENCE:.0f} seconds")


def _clean_environment() -> dict[str, str]:
    """Leave out what changes git's ways; keep proxies, and certificates under either name."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    certificates = os.environ.get("GIT_SSL_CAINFO") or os.environ.get("SSL_CERT_FILE")
    return (
        kept
        | ({"GIT_SSL_CAINFO": certificates} if certificates else {})
        | {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "LC_ALL": "C",
        }
    )


def _find_last_error(said: str) -> str:
    """Take the first fatal complaint, or else the last, out of what git wrote."""
    fatal = [line for line in said.splitlines() if line.startswith("fatal:")]
    return (fatal or ["git failed"])[0]
