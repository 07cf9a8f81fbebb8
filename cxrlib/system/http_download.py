"""One file of known hash over HTTP, by pooch: under its name only when it is whole and right.

pooch checks the hash, tries again and gives the file its name; requests, which it uses, takes
proxies from the environment. Added here is what neither has: a broken download goes on from
``.NAME.part`` beside the target, a person can stop it, and the machine's own certificates are
trusted, or those that SSL_CERT_FILE names, as a hospital's network needs.
"""

import contextlib
import ssl
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.errors import DownloadError, DownloadStoppedError
from cxrlib.system.os_errors import describe_network_error, describe_write_error

if TYPE_CHECKING:
    import requests

TIMEOUT = 10.0  # seconds without an answer, or without a byte
RETRIES = 2  # after a first attempt; pooch pauses for 1 s, then for 2
BLOCK = 1 << 14  # bytes; what has come of an unfinished one is lost
INTERVAL = 0.1  # seconds between two reports: asking whether to stop may cost reading a file
PASSING = {408, 416, 425, 429}  # refusals that a later attempt may not meet


@dataclass
class Download:
    """Download a file, going on where an earlier attempt broke off.

    For pooch it is both: what brings the bytes, and the progress bar that they fill.

    Parameters
    ----------
    url : str
    target : Path
        Where it goes. Its folder is made if need be.
    n_bytes : int
    sha256 : str
    label : str
        What it is, for progress: "weights".
    on_progress : callable, optional
        Called with what is done, bytes so far and bytes in all.
    should_stop : callable, optional
        Asked several times a second; True ends the download, and what came is kept.
    """

    url: str
    target: Path
    n_bytes: int
    sha256: str
    label: str = "a file"
    on_progress: Progress | None = None
    should_stop: ShouldStop | None = None
    total: int = field(default=0, init=False)  # pooch writes here what the server announces
    _said: float = field(default=0.0, init=False)

    def run(self) -> Path:
        """Bring the file under its name, replacing another; return its path.

        Raises
        ------
        DownloadError
            When it cannot be had, is not what was asked for, or cannot be written.
        DownloadStoppedError
            When `should_stop` said so.
        """
        import requests

        lock = filelock.FileLock(f"{self._part}.lock")
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            with lock.acquire(cancel_check=self.should_stop):
                try:
                    self._run()
                finally:
                    if self._kept() == 0:
                        self._part.unlink(missing_ok=True)
                    Path(lock.lock_file).unlink(missing_ok=True)  # who waits for it notices
        except filelock.Timeout as error:
            raise DownloadStoppedError(f"Waiting for {self.label} was stopped.") from error
        except requests.RequestException as error:
            kept = f"; {self._kept() / 1e6:,.1f} MB are kept, try again to resume"
            raise self._fail(_describe(error) + kept * (self._kept() > 0)) from error
        except ValueError as error:  # what pooch raises for another hash
            raise self._fail("the file that came is not the expected one") from error
        except OSError as error:
            where = str(self.target.parent)
            raise self._fail(f"{describe_write_error(error)} (in {where!r})") from error
        return self.target

    def _run(self) -> None:
        import pooch

        name = self.target.name
        pooch.get_logger().setLevel("WARNING")
        pooch.create(
            path=self.target.parent,
            base_url="",
            urls={name: self.url},
            registry={name: f"sha256:{self.sha256}"},
            retry_if_failed=RETRIES,
        ).fetch(name, downloader=self)

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Fill the part and move it to where pooch checks it."""
        from pooch import HTTPDownloader

        if self._part.is_symlink():
            self._part.unlink()
        paths = ssl.get_default_verify_paths()
        with self._part.open("ab") as self._file:
            if self._kept() > self.n_bytes:
                self._file.truncate(0)
            start = self._kept()
            fill = HTTPDownloader(
                progressbar=self,
                chunk_size=BLOCK,
                timeout=TIMEOUT,
                # "identity", so that bytes count as they are.
                headers={"Accept-Encoding": "identity", "Range": f"bytes={start}-"},
                hooks={"response": self._judge},
                verify=paths.cafile or paths.capath or True,
                auth=lambda request: request,  # no passwords from ~/.netrc
            )
            with contextlib.ExitStack() as self._answers:
                if start < self.n_bytes:
                    fill(url, self._file, None)
        self._part.replace(output_file)

    def update(self, _: int) -> None:
        """Report the progress; end a download that is stopped or too large."""
        done, now = self._kept(), time.monotonic()
        if done > self.n_bytes:
            self._file.truncate(0)
            raise self._fail(f"the answer is larger than {self.n_bytes:,} bytes")
        if now - self._said < INTERVAL:
            return
        self._said = now
        if self.should_stop is not None and self.should_stop():
            raise DownloadStoppedError(
                f"The download of {self.label} was stopped after {done / 1e6:,.1f} MB, "
                "which are kept. Start it again to resume."
            )
        self._report(done)

    def reset(self) -> None:
        """Do nothing: pooch fills its bar once more at the end."""

    def close(self) -> None:
        """Report the end."""
        self._report(self._kept())

    def _report(self, done: int) -> None:
        if self.on_progress is not None:
            self.on_progress(f"Downloading {self.label}", done, self.n_bytes)

    def _judge(self, response: "requests.Response", **_: object) -> None:
        """Refuse at once an answer that no other attempt would change."""
        self._answers.callback(response.close)  # pooch leaves it open where it breaks off
        self.update(0)
        code = response.status_code
        if 400 <= code < 500 and code not in PASSING:
            raise self._fail(_describe_status(response))
        if response.ok and response.headers.get("Content-Type", "").startswith("text/html"):
            raise self._fail("a web page came instead, such as the sign-in page of a network")
        if code in (HTTPStatus.OK, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
            self._file.truncate(0)  # it is sent from its beginning, or what came is of no use

    @property
    def _part(self) -> Path:
        return self.target.with_name(f".{self.target.name}.part")

    def _kept(self) -> int:
        """Count the bytes that have come."""
        return self._part.stat().st_size if self._part.exists() else 0

    def _fail(self, reason: str) -> DownloadError:
        return DownloadError(self.url, reason)


def _describe(error: "requests.RequestException") -> str:
    """Describe, as a clause, what the network did."""
    if error.response is not None:
        return _describe_status(error.response)
    return describe_network_error(str(error))


def _describe_status(response: "requests.Response") -> str:
    return f"the server answers {response.status_code} {response.reason}"
