"""An HTTP server on this machine that misbehaves on request, to test downloads against."""

import contextlib
import dataclasses
import http.server
import re
import socketserver
import threading
import time
from collections.abc import Iterator


@dataclasses.dataclass
class Served:
    """Say what a path answers, and how it fails.

    ``faults`` are used up, one a request, from the front: ``drop:N`` sends N bytes and closes,
    ``stall:N`` sends N bytes and sends no more, ``drip`` sends a byte now and then,
    ``status:N`` or ``status:N:SECONDS`` (Retry-After), ``lie:N`` announces N bytes more than
    there are, ``short:N`` announces N fewer, ``shifted`` answers another range than asked
    for, ``cut-chunk`` breaks a chunked answer off. The request after the last is served well.
    """

    data: bytes
    etag: str = '"one"'
    ranges: bool = True
    length: bool = True
    content_type: str = "application/octet-stream"
    encoding: str = ""
    redirect: str = ""
    faults: list[str] = dataclasses.field(default_factory=list)


class FaultyServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serve `Served` answers by path and remember what was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Served] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.n_sent = 0
        self.closing = threading.Event()

    def url(self, path: str) -> str:
        """Give the address of a path."""
        return f"http://127.0.0.1:{self.server_port}{path}"

    def ranges_asked(self) -> list[str]:
        """List the Range header of each request, "" where it had none."""
        return [headers.get("Range", "") for _, headers in self.asked]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients break off here on purpose."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        """Announce that the connection ends with the answer."""
        self.send_header("Connection", "close")
        super().end_headers()

    def do_GET(self) -> None:
        """Answer as told."""
        self.close_connection = True
        self.server.asked.append((self.path, dict(self.headers)))
        served = self.server.answers.get(self.path)
        if served is None:
            self.send_error(404)
            return
        fault, _, value = (served.faults.pop(0) if served.faults else "").partition(":")
        if served.redirect:
            self.send_response(302)
            self.send_header("Location", served.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "status":
            self._refuse(value)
        else:
            self._send(served, fault, int(value or 0))

    def _refuse(self, value: str) -> None:
        code, _, after = value.partition(":")
        self.send_response(int(code))
        if after:
            self.send_header("Retry-After", after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, served: Served, fault: str, n: int) -> None:
        start, size = self._range(served), len(served.data)
        if start is not None and start >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = served.data[start or 0 :]
        self.send_response(200 if start is None else 206)
        if start is not None:
            shown = start + (7 if fault == "shifted" else 0)
            self.send_header("Content-Range", f"bytes {shown}-{size - 1}/{size}")
        if served.etag:
            self.send_header("ETag", served.etag)
        if served.encoding:
            self.send_header("Content-Encoding", served.encoding)
        self.send_header("Content-Type", served.content_type)
        self._send_body(served, fault, n, body)

    def _send_body(self, served: Served, fault: str, n: int, body: bytes) -> None:
        if served.length:
            said = len(body) + {"lie": n, "short": -n}.get(fault, 0)
            self.send_header("Content-Length", str(said))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if fault in ("drop", "stall", "cut-chunk"):
            body = body[:n]
        step = 1 if fault == "drip" else 1 << 16
        for at in range(0, len(body), step):
            self._write(served, body[at : at + step])
            if fault == "drip" and self.server.closing.wait(0.05):
                return
        if fault == "stall":
            self.server.closing.wait(60)
        if not served.length and fault not in ("cut-chunk", "drop"):
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, served: Served, block: bytes) -> None:
        self.wfile.write(block if served.length else b"%x\r\n%s\r\n" % (len(block), block))
        self.wfile.flush()
        self.server.n_sent += len(block)

    def _range(self, served: Served) -> int | None:
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match is None or not served.ranges:
            return None
        same = self.headers.get("If-Range") in (None, served.etag)
        return int(match[1]) if same else None


@contextlib.contextmanager
def faulty_server() -> Iterator[FaultyServer]:
    """Run a server until the block ends."""
    with FaultyServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join(5)
            time.sleep(0)
