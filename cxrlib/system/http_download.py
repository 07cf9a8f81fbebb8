"""One file over HTTP: resumed after a break, checked, under its name only when it is whole.

Python's own `urllib` does the talking: it takes proxies from the environment (HTTPS_PROXY,
NO_PROXY) and trusts the machine's certificates, or those SSL_CERT_FILE names, as a hospital's
network needs. What has arrived lies in ``.NAME.part`` beside the target, and what it is part
of in ``.NAME.part.json``; both go when the file gets its name.
"""

import contextlib
import hashlib
import http.client
import json
import logging
import os
import re
import shutil
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPMessage
from io import FileIO
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from cxrlib import __version__
from cxrlib.errors import DownloadError, DownloadStoppedError
from cxrlib.system.os_errors import describe_write_error

if sys.platform != "win32":
    import fcntl

__all__ = ["Download", "check_space", "download", "hold_lock", "try_lock"]

logger = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds without an answer, or without a byte
SLOWEST = (60.0, 60_000)  # a connection that brings fewer bytes in so many seconds has stalled
ATTEMPTS = 5  # in a row that bring nothing new
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between attempts; doubled each time
BLOCK = 1 << 18  # bytes
NEW = 1 << 16  # bytes beyond what any attempt reached: less is no progress
SPARE_SPACE = 64 << 20  # bytes of the disk that stay free
REPORT_INTERVAL = 0.2  # seconds
ASK_INTERVAL = 0.1  # seconds: asking may cost reading a file
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PASSING = {408, 425, 429, 500, 502, 503, 504}  # states of a server that pass

Progress = Callable[[str, int, int], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class Download:
    """Describe a file to be fetched.

    Parameters
    ----------
    url : str
        https; http only from this machine itself.
    target : Path
        Where it goes. Its folder is made if need be.
    label : str
        What it is, for progress: "weights".
    n_bytes : int
        Its exact size; 0 where it is not known.
    sha256 : str
        "" where it is not known.
    max_bytes : int
        A larger answer is refused.
    expected_bytes : int
        About how large it will be, for progress and disk space where the server does not
        say; 0 where nobody knows.
    """

    url: str
    target: Path
    label: str = "a file"
    n_bytes: int = 0
    sha256: str = ""
    max_bytes: int = 1 << 30
    expected_bytes: int = 0


def download(
    wanted: Download,
    *,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Path:
    """Download a file, going on where an earlier attempt broke off.

    A broken, stalled or overloaded connection is tried again with growing pauses, up to five
    times in a row without progress. A machine without network is told so at once.

    Parameters
    ----------
    wanted : Download
    on_progress : callable, optional
        Called with what is done, bytes so far and bytes in all, the last being 0 where they
        are not known.
    should_stop : callable, optional
        Asked several times a second; True ends the download, and what came is kept.

    Returns
    -------
    Path
        The target. A file already there is replaced.

    Raises
    ------
    DownloadError
        When it cannot be had, is not what was asked for, or cannot be written.
    DownloadStoppedError
        When `should_stop` said so.
    """
    _check_scheme(wanted.url)
    part = wanted.target.with_name(f".{wanted.target.name}.part")
    try:
        wanted.target.parent.mkdir(parents=True, exist_ok=True)
        with hold_lock(part, should_stop) as file:
            transfer = _Transfer(wanted, part, file, on_progress, should_stop)
            try:
                transfer.run()
                os.fsync(file.fileno())
                part.replace(wanted.target)
            finally:
                transfer.tidy()
    except OSError as error:  # network failures are told apart inside: this is the disk
        raise DownloadError(
            wanted.url, f"{describe_write_error(error)} (in {str(part.parent)!r})"
        ) from error
    return wanted.target


@contextlib.contextmanager
def hold_lock(path: Path, should_stop: ShouldStop | None = None) -> Iterator[FileIO]:
    """Open a file for reading and writing that no other process writes; wait for it.

    The lock is the system's own and ends with the process, so that a killed download leaves
    none behind.

    Raises
    ------
    OSError
        When the file cannot be opened.
    DownloadStoppedError
        When `should_stop` said so while waiting.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    while True:
        file = FileIO(os.open(path, flags, 0o666), "r+")
        if _lock(file) and _is_at(file, path):
            break
        file.close()
        if should_stop is not None and should_stop():
            raise DownloadStoppedError(f"Waiting for another download of {path.name!r} stopped.")
        time.sleep(0.1)
    with file:
        yield file


@contextlib.contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold a file's lock if nobody else does; tell whether it is held.

    Raises
    ------
    OSError
        When the file cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    with FileIO(os.open(path, flags, 0o666), "r+") as file:
        yield _lock(file) and _is_at(file, path)


def _lock(file: IO[bytes]) -> bool:
    if sys.platform == "win32":  # no such lock there: two downloads at once are not kept apart
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Tell whether an open file still has its name: its last owner may have renamed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def check_space(folder: Path, n_bytes: int, url: str) -> None:
    """Raise unless a disk has room for so many bytes and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < n_bytes + SPARE_SPACE:
        raise DownloadError(
            url,
            f"it needs {n_bytes / 1e6:,.0f} MB of space and the disk of {str(folder)!r} has "
            f"{free / 1e6:,.0f} MB left. Make room or choose a folder on another disk",
        )


class _BrokenError(Exception):
    """Carry why an attempt ended before the file was whole, and how soon to try again.

    Parameters
    ----------
    reason : str
        As a clause.
    attempts : int
        How many in a row are worth making.
    pause : float
        Seconds the server asks to be left alone.
    restart : bool
        Whether what came so far is of no use.
    """

    def __init__(
        self, reason: str, *, attempts: int = ATTEMPTS, pause: float = 0.0, restart: bool = False
    ) -> None:
        super().__init__(reason)
        self.attempts = attempts
        self.pause = pause
        self.restart = restart


class _Transfer:
    """Fill a part file by as many attempts as it takes."""

    def __init__(
        self,
        wanted: Download,
        part: Path,
        file: FileIO,
        on_progress: Progress | None,
        should_stop: ShouldStop | None,
    ) -> None:
        self._wanted = wanted
        self._part = part
        self._record = part.with_name(f"{part.name}.json")
        self._file = file
        self._should_stop = should_stop
        self._meter = _Meter(wanted, on_progress)
        self._size = self._best = self._resumed = file.seek(0, os.SEEK_END)
        self._validator = self._read_record()
        self._reached = False  # whether the server ever answered
        self._asked = 0.0  # when `should_stop` was asked last

    def run(self) -> None:
        """Make attempts until the file is whole and right."""
        failures = 0
        while True:
            try:
                self._attempt()
                self._check_content()
                return
            except _BrokenError as broken:
                if broken.restart:
                    self._drop()
                failures = 1 if self._size > self._best + NEW else failures + 1
                self._best = max(self._best, self._size)
                if failures >= broken.attempts:
                    raise self._fail(self._give_up(str(broken))) from broken
                logger.info("%s: %s; trying again.", self._wanted.url, broken)
                pause = min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE)
                self._wait(min(max(pause, broken.pause), LONGEST_PAUSE))

    def tidy(self) -> None:
        """Remove a part that is of no use, and the record of a part that is gone."""
        with contextlib.suppress(OSError):
            if not self._can_resume():
                self._part.unlink(missing_ok=True)
            if not self._part.exists():
                self._record.unlink(missing_ok=True)

    def _attempt(self) -> None:
        start = self._size if self._can_resume() else 0
        try:
            answer = self._ask(start)
        except urllib.error.HTTPError as error:
            with error:
                self._reached = True
                self._judge_status(error.code, error.headers, start)
            return
        except (OSError, http.client.HTTPException) as error:
            raise self._judge_failure(error) from error
        with answer:
            self._reached = True
            total = self._place(answer.status, answer.headers, start)
            self._check_announced(answer.headers, total)
            self._receive(answer, total)

    def _ask(self, start: int) -> http.client.HTTPResponse:
        """Send the request; `Accept-Encoding: identity`, so that bytes count as they are."""
        headers = {"User-Agent": f"cxrlib/{__version__}", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if self._validator:
                headers["If-Range"] = self._validator
        request = urllib.request.Request(self._wanted.url, headers=headers)  # noqa: S310
        answer: http.client.HTTPResponse = _make_opener().open(request, timeout=TIMEOUT)
        return answer

    def _judge_failure(self, error: Exception) -> Exception:
        """Tell a passing failure of the network from one that stays."""
        cause = getattr(error, "reason", error)  # URLError wraps what happened
        reason = _describe_network(cause, self._wanted.url)
        lasting = isinstance(cause, ssl.SSLCertVerificationError | _RedirectError)
        if lasting or "407" in str(cause):  # a proxy that wants a password
            return self._fail(reason)
        # Before the first answer of all, silence mostly means that there is no network.
        silent = isinstance(cause, TimeoutError | socket.gaierror)
        return _BrokenError(reason, attempts=ATTEMPTS if self._reached else 1 if silent else 2)

    def _judge_status(self, code: int, headers: Message, start: int) -> None:
        """Decide what an answer without content means; return where the file is whole."""
        if code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            match = re.fullmatch(r"bytes \*/(\d+)", headers.get("Content-Range", ""))
            if match and int(match[1]) == start:
                return
            raise _BrokenError("the file has become shorter than what came of it", restart=True)
        phrase = http.client.responses.get(code, "")
        reason = f"the server answers {code} {phrase}".rstrip()
        if 300 <= code < 400:  # followed already where that is allowed
            reason = f"{reason} and sends us on to where nothing is fetched from"
        if code in PASSING:
            after = headers.get("Retry-After", "")
            pause = float(after) if re.fullmatch(r"\d{1,6}", after) else 0.0
            raise _BrokenError(reason, pause=pause)
        raise self._fail(reason)

    def _place(self, status: int, headers: Message, start: int) -> int:
        """Set where the answer's first byte goes; return the file's size, 0 if untold."""
        length = _read_number(headers.get("Content-Length"))
        if status == http.HTTPStatus.PARTIAL_CONTENT:
            match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
            changed = self._validator and _read_validator(headers) not in ("", self._validator)
            if not match or not start or int(match[1]) != start or changed:
                raise _BrokenError("the server sends another part than asked for", restart=True)
            total = _read_number(match[2]) or (start + length if length else 0)
        elif status == http.HTTPStatus.OK:
            if self._size:
                logger.warning(
                    "%s cannot be resumed: it is sent from its beginning again.", self._wanted.url
                )
            start, total = 0, length
        else:
            raise self._fail(f"the server answers {status} instead of the file")
        self._file.truncate(start)
        self._size = self._file.seek(start)
        self._resumed = min(self._resumed, start)
        self._validator = _read_validator(headers) or (self._validator if start else "")
        self._write_record()
        return total

    def _check_announced(self, headers: Message, total: int) -> None:
        """Refuse, before it is read, an answer that cannot be the file."""
        wanted = self._wanted
        if headers.get("Content-Type", "").lower().startswith("text/html"):
            self._drop()
            raise self._fail(
                "a web page came instead of the file, as from the sign-in page of a network or "
                "a proxy"
            )
        if headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
            self._drop()
            raise self._fail(f"it comes encoded as {headers['Content-Encoding']!r}")
        if (wanted.n_bytes and total and total != wanted.n_bytes) or total > wanted.max_bytes:
            self._drop()
            limit = wanted.n_bytes or wanted.max_bytes
            raise self._fail(
                f"the server offers {total:,} bytes where "
                f"{'' if wanted.n_bytes else 'at most '}{limit:,} are right"
            )
        size = wanted.n_bytes or total or wanted.expected_bytes
        check_space(self._part.parent, max(size - self._size, 0), wanted.url)

    def _receive(self, answer: http.client.HTTPResponse, total: int) -> None:
        """Write what comes until it ends, and tell whether that was the end."""
        total = self._wanted.n_bytes or total
        limit = total or self._wanted.max_bytes
        self._meter.begin(total)
        pace = _Pace()
        while block := self._read(answer):
            if self._size + len(block) > limit:
                self._drop()
                raise self._fail(f"the answer is larger than {limit:,} bytes")
            self._write(block)
            self._meter.say(self._size)
            pace.check(len(block))
            self._check_stop()
        if self._size < total:
            raise _BrokenError(
                f"the connection ended after {self._size:,} of {total:,} bytes",
            )
        self._meter.end(self._size)

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        """Read what has arrived: `read` would wait for a whole block, however slow it comes."""
        self._check_stop()
        try:
            return answer.read1(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenError(_describe_network(error, self._wanted.url)) from error

    def _write(self, block: bytes) -> None:
        """Write all of a block: an unbuffered file may take less than it is given."""
        rest = memoryview(block)
        while rest:
            n_bytes = self._file.write(rest) or 0
            self._size += n_bytes
            rest = rest[n_bytes:]

    def _check_content(self) -> None:
        """Compare size and hash with what is known of the file."""
        wanted = self._wanted
        right = wanted.n_bytes in (0, self._size)
        if right and wanted.sha256:
            self._file.seek(0)
            found = hashlib.file_digest(self._file, "sha256")
            right = found.hexdigest() == wanted.sha256
        if right:
            return
        size, resumed = self._size, self._resumed
        self._drop()
        if resumed:  # what an earlier run left may be of another state of the file
            raise _BrokenError("what an earlier attempt left does not fit", restart=True)
        raise self._fail(f"the answer ({size:,} bytes) is not the file that was asked for")

    def _can_resume(self) -> bool:
        """Tell whether what came can be used: something tells that the rest fits to it."""
        return bool(self._size and (self._validator or self._wanted.sha256))

    def _give_up(self, reason: str) -> str:
        if self._can_resume():
            return f"{reason}; {self._size / 1e6:,.1f} MB are kept for the next try"
        return reason

    def _fail(self, reason: str) -> DownloadError:
        return DownloadError(self._wanted.url, reason)

    def _drop(self) -> None:
        """Forget what came so far."""
        self._file.truncate(0)
        self._size = self._resumed = self._file.seek(0)
        self._validator = ""

    def _check_stop(self) -> None:
        now = time.monotonic()
        if self._should_stop is None or now - self._asked < ASK_INTERVAL:
            return
        self._asked = now
        if self._should_stop():
            kept = "which are kept. Start it again to go on"
            if not self._can_resume():
                kept = "which cannot be resumed. Start it again for all of it"
            raise DownloadStoppedError(
                f"The download of {self._wanted.label} was stopped after "
                f"{self._size / 1e6:,.1f} MB, {kept}."
            )

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._check_stop()
            time.sleep(min(left, 0.2))

    def _read_record(self) -> str:
        """Read which state of which file the part is of; "" where that is not known."""
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
            validator = record["validator"] if record["url"] == self._wanted.url else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        # It goes into a header: nothing but what a header may hold.
        return validator if isinstance(validator, str) and validator.isprintable() else ""

    def _write_record(self) -> None:
        record = {"url": self._wanted.url, "validator": self._validator}
        self._record.write_text(json.dumps(record), encoding="utf-8")


class _Meter:
    """Say how far a download is, a few times a second."""

    def __init__(self, wanted: Download, on_progress: Progress | None) -> None:
        self._stage = f"Downloading {wanted.label}"
        self._expected = wanted.expected_bytes
        self._on_progress = on_progress
        self._total = 0
        self._said = 0.0

    def begin(self, total: int) -> None:
        """Take the number of bytes that will come, 0 where it is not known."""
        self._total, self._said = total, 0.0

    def say(self, done: int) -> None:
        """Take the number of bytes there are now."""
        now = time.monotonic()
        if self._on_progress is None or now - self._said < REPORT_INTERVAL:
            return
        self._said = now
        guess = max(self._expected, done + 1) if self._expected else 0
        self._on_progress(self._stage, done, self._total or guess)

    def end(self, done: int) -> None:
        """Say that all has come."""
        if self._on_progress is not None:
            self._on_progress(self._stage, done, done)


class _Pace:
    """Notice a connection that drips: each byte resets the system's own time limit."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._n_bytes = 0

    def check(self, n_bytes: int) -> None:
        """Count bytes; raise where too few came in the time that has passed."""
        seconds, fewest = SLOWEST
        self._n_bytes += n_bytes
        if time.monotonic() - self._since < seconds:
            return
        if self._n_bytes < fewest:
            raise _BrokenError(f"only {self._n_bytes:,} bytes came in {seconds:.0f} seconds")
        self._since, self._n_bytes = time.monotonic(), 0


class _RedirectError(Exception):
    """Carry where a server wanted to send us, as a clause."""


class _StrictRedirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to https only, or within this machine as the download began."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Refuse an address that may not be asked."""
        if reason := _refuse_address(newurl, local=req.type == "http"):
            raise urllib.error.URLError(_RedirectError(f"it sends us on to an address {reason}"))
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _make_opener() -> urllib.request.OpenerDirector:
    """Put together what may be used: no files, no FTP, no data addresses."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _StrictRedirects(),
    ):
        opener.add_handler(handler)
    return opener


def _check_scheme(url: str) -> None:
    if reason := _refuse_address(url, local=True):
        raise DownloadError(url, f"it is an address {reason}")


def _refuse_address(url: str, *, local: bool) -> str:
    """Say why an address is not asked: "" where it may be."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "that cannot be read"
    if parts.scheme == "https" or (local and parts.scheme == "http" and parts.hostname in LOOPBACK):
        return ""
    return f"that is not https ({url[:100]!r})"


def _read_validator(headers: Message) -> str:
    """Take what tells two states of a file apart; weak tags do not, for parts of it."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified", "")


def _read_number(text: str | None) -> int:
    return int(text) if text is not None and re.fullmatch(r"\d{1,18}", text) else 0


def _describe_network(error: object, url: str) -> str:
    """Say, as a clause, what the network did."""
    host = urlsplit(url).hostname
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {host!r} is not trusted ({error.verify_message}). Behind a "
            "proxy that opens connections, name the file of its certificates in SSL_CERT_FILE"
        )
    if isinstance(error, socket.gaierror):
        return (
            f"the name {host!r} is not known: this machine has no network, or reaches it through "
            "a proxy that HTTPS_PROXY should name"
        )
    if isinstance(error, TimeoutError):
        return f"nothing came from {host!r} for {TIMEOUT:.0f} seconds"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended before the file did"
    if isinstance(error, OSError) and error.strerror:
        return f"{host!r}: {error.strerror.lower()}"
    return str(error) or type(error).__name__
