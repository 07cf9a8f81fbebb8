"""Test downloads against a server that drops, stalls, truncates, lies and sends us elsewhere."""

import hashlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import filelock
import pooch
import pytest

from cxrlib.errors import DownloadError, DownloadStoppedError
from cxrlib.system import Download, http_download
from tests.faulty_server import Served, faulty_server

DATA = os.urandom(700_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Pause for less than a person would; wait for answers as long as a busy machine needs."""
    sleep = time.sleep
    monkeypatch.setattr(pooch.core.time, "sleep", lambda seconds: sleep(min(seconds, 0.05)))
    monkeypatch.setattr(http_download, "TIMEOUT", 60)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    """Run a server that misbehaves on request."""
    with faulty_server() as running:
        yield running


@pytest.fixture
def target(tmp_path):
    """Name a file to be made."""
    return tmp_path / "new folder" / "file.bin"


def names(target):
    """List what lies in the target's folder."""
    return sorted(p.name for p in target.parent.iterdir()) if target.parent.exists() else []


def part_of(target):
    """Give the part file of a target."""
    return target.with_name(f".{target.name}.part")


def fetch(server, target, served, **options):
    """Serve a file and download it."""
    server.answers["/file"] = served
    return Download(server.url("/file"), target, len(DATA), SHA256, **options).run()


def test_download_brings_all_bytes(server, target):
    """All bytes arrive, nothing else is left, the answer is asked for as it is."""
    assert fetch(server, target, Served(DATA)) == target
    assert target.read_bytes() == DATA
    assert names(target) == ["file.bin"]
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "fault", ["drop:300000", "stall:300000", "lie:5", "status:503", "status:429:0", "status:500"]
)
def test_download_tries_again_what_passes(server, target, fault, monkeypatch):
    """A broken, stalled, overloaded or mistaken answer is followed by another request."""
    if fault.startswith("stall"):
        monkeypatch.setattr(http_download, "TIMEOUT", 3)
    fetch(server, target, Served(DATA, faults=[fault]))
    assert target.read_bytes() == DATA
    assert names(target) == ["file.bin"]


def test_download_resumed_asks_for_the_rest_only(server, target):
    """What came is not sent again, however often the connection breaks."""
    fetch(server, target, Served(DATA, faults=["drop:200000", "drop:200000"]))
    assert target.read_bytes() == DATA
    # Of the block that was broken off nothing is kept.
    kept = 200_000 // http_download.BLOCK * http_download.BLOCK
    assert server.ranges_asked() == ["bytes=0-", f"bytes={kept}-", f"bytes={2 * kept}-"]


def test_download_is_resumed_by_the_next_run(server, target):
    """What a run that gave up left is used by the next."""
    faults = ["drop:200000", *["status:503"] * http_download.RETRIES]
    with pytest.raises(DownloadError, match=r"503 Service Unavailable; 0\.2 MB are kept"):
        fetch(server, target, Served(DATA, faults=faults))
    assert names(target) == [".file.bin.part"]
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA
    assert (
        server.ranges_asked()[-1]
        == f"bytes={200_000 // http_download.BLOCK * http_download.BLOCK}-"
    )
    assert names(target) == ["file.bin"]


def test_download_starts_again_where_there_are_no_ranges(server, target):
    """A server that cannot send the rest sends it all."""
    fetch(server, target, Served(DATA, ranges=False, faults=["drop:200000"]))
    assert target.read_bytes() == DATA


@pytest.mark.parametrize("start", [b"x" * 300_000, DATA + b"more", DATA[:-1] + b"?"])
def test_download_drops_a_wrong_part_once(server, target, start):
    """A part whose bytes are wrong, or too many, is fetched whole, not for ever."""
    target.parent.mkdir()
    part_of(target).write_bytes(start)
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA
    assert server.ranges_asked()[-1] == "bytes=0-"


def test_download_drops_another_part_than_it_asked_for(server, target):
    """A server that answers another range has sent another file."""
    fetch(server, target, Served(DATA, faults=["drop:200000", "shifted"]))
    assert target.read_bytes() == DATA


def test_download_of_a_whole_part_fetches_nothing(server, target):
    """Killed before the last step: the part is whole and gets its name."""
    target.parent.mkdir()
    part_of(target).write_bytes(DATA)
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA
    assert server.n_sent == 0


@pytest.mark.parametrize(
    ("served", "message"),
    [
        (Served(DATA[:-1] + b"?"), "is not the expected one"),
        (Served(DATA[:-5]), "is not the expected one"),
        (Served(DATA + b"?" * 100_000), "larger than 700,000 bytes"),
        (Served(DATA + b"?", length=False), "larger than 700,000 bytes"),
        (Served(b"<html>Sign in", content_type="text/html; charset=utf-8"), "a web page came"),
        (Served(DATA, faults=["status:404"]), "404 Not Found"),
        (Served(DATA, faults=["status:403"]), "403 Forbidden"),
        (Served(DATA, faults=["status:407"]), "407 Proxy Authentication Required"),
    ],
)
def test_download_refuses_what_is_wrong(server, target, served, message):
    """Wrong bytes, sizes or pages: clear words, and nothing left."""
    with pytest.raises(DownloadError, match=message) as caught:
        fetch(server, target, served)
    assert repr(server.url("/file")) in str(caught.value)
    assert names(target) == []
    assert len(server.asked) == (1 + http_download.RETRIES if "expected one" in message else 1)


def test_download_ends_an_endless_answer(server, target):
    """What is larger than the file is not read to its end."""
    with pytest.raises(DownloadError, match="larger than 700,000 bytes"):
        fetch(server, target, Served(DATA * 60, length=False))
    assert server.n_sent < 30 * len(DATA)


def test_download_from_a_server_that_always_drops_ends(server, target):
    """Without ranges the same bytes come again and again: it is given up."""
    served = Served(DATA, ranges=False, faults=["drop:600000"] * 50)
    with pytest.raises(DownloadError, match=r"the connection ended early; 0\.6 MB are kept"):
        fetch(server, target, served)
    assert len(server.asked) == 1 + http_download.RETRIES


def test_download_of_chunks(server, target):
    """An answer without a length is whole only if it ends as it should."""
    served = Served(DATA, length=False, faults=["cut-chunk:100000", "drop:100000"])
    fetch(server, target, served)
    assert target.read_bytes() == DATA
    assert len(server.asked) == 3


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x"])
def test_download_leads_nowhere_else(server, target, address):
    """No redirect leads to a file or to another kind of address."""
    with pytest.raises(DownloadError, match="could not be downloaded"):
        fetch(server, target, Served(b"", redirect=address))
    assert names(target) == []


def test_download_follows_redirects_and_ends(server, target):
    """A redirect keeps the range; a circle ends."""
    server.answers["/there"] = Served(DATA, faults=["drop:300000"])
    fetch(server, target, Served(b"", redirect="/there"))
    assert target.read_bytes() == DATA
    assert (
        server.asked[-1][1]["Range"]
        == f"bytes={300_000 // http_download.BLOCK * http_download.BLOCK}-"
    )
    target.unlink()
    with pytest.raises(DownloadError, match="302"):
        fetch(server, target, Served(b"", redirect="/file"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:9/x", "refuses the connection"),
        ("https://no-such-name.invalid/x", "no network"),
    ],
)
def test_download_without_network_says_so(target, url, message):
    """No name, no listener: one sentence."""
    with pytest.raises(DownloadError, match=message):
        Download(url, target, 5, SHA256).run()
    assert names(target) == []


def test_download_from_a_silent_server(target, monkeypatch):
    """Silence is said as such."""
    monkeypatch.setattr(http_download, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(DownloadError, match="did not answer in time"):
            Download(url, target, 5, SHA256).run()


def test_download_says_which_certificates_to_set(target, tmp_path, monkeypatch):
    """Behind a proxy that opens connections: the message says what to set, and it helps."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate.")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    names_option = ["subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names_option], check=True, capture_output=True)
    with faulty_server() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.answers["/file"] = Served(DATA)
        url = f"https://localhost:{server.server_port}/file"
        with pytest.raises(DownloadError, match=r"not trusted.*SSL_CERT_FILE"):
            Download(url, target, len(DATA), SHA256).run()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert Download(url, target, len(DATA), SHA256).run().read_bytes() == DATA


def test_download_uses_proxies_of_the_environment(server, target, monkeypatch):
    """HTTP_PROXY is asked instead of the address itself, and NO_PROXY leaves it out."""
    monkeypatch.setenv("http_proxy", server.url(""))
    server.answers["http://localhost:9/file"] = Served(DATA)
    Download("http://localhost:9/file", target, len(DATA), SHA256).run()
    assert target.read_bytes() == DATA
    target.unlink()
    monkeypatch.setenv("no_proxy", "localhost")
    with pytest.raises(DownloadError, match="refuses"):
        Download("http://localhost:9/file", target, len(DATA), SHA256).run()


def test_download_sends_no_passwords(server, target, tmp_path, monkeypatch):
    """What a user keeps for this machine in ~/.netrc is not sent."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fetch(server, target, Served(DATA))
    assert "Authorization" not in server.asked[0][1]


@pytest.mark.parametrize("length", [True, False])
def test_download_reports_progress(server, target, monkeypatch, length, capfd):
    """Progress names the file, counts bytes, and ends at the whole; pooch itself is quiet."""
    monkeypatch.setattr(http_download, "INTERVAL", 0)
    calls = []
    served = Served(DATA, length=length, faults=["drop:300000"])
    fetch(server, target, served, label="weights", on_progress=lambda *call: calls.append(call))
    assert {stage for stage, *_ in calls} == {"Downloading weights"}
    done = [call[1] for call in calls]
    assert done == sorted(done)
    assert calls[-1][1:] == (len(DATA), len(DATA))
    assert all(total == len(DATA) for *_, total in calls)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fault", ["", "stall:300000"])
def test_download_can_be_stopped(server, target, fault, monkeypatch):
    """A stop is heeded; the next run goes on."""
    monkeypatch.setattr(http_download, "INTERVAL", 0)
    monkeypatch.setattr(http_download, "TIMEOUT", 3)
    faults = ["drop:300000", *filter(None, [fault])]
    with pytest.raises(DownloadStoppedError, match=r"stopped after 0\.\d MB, which are kept"):
        fetch(
            server,
            target,
            Served(DATA, faults=faults),
            should_stop=lambda: len(server.asked) >= 2,
        )
    assert names(target) == [".file.bin.part"]
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA


def test_download_to_a_full_disk_keeps_what_came(server, target, monkeypatch):
    """A disk full in the middle is said as such; with room the next run goes on."""

    def fill(transfer, _):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Download, "update", fill)
        with pytest.raises(DownloadError, match="there is no space left on the disk"):
            fetch(server, target, Served(DATA))
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA


def test_download_says_that_it_may_not_write(server, tmp_path):
    """A folder that may not be written is said as such."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("This user may write everywhere.")
    with pytest.raises(DownloadError, match="there is no permission"):
        fetch(server, folder / "file.bin", Served(DATA))


def test_download_follows_no_link(server, target, tmp_path):
    """A part that is a link to elsewhere is not written through."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    target.parent.mkdir()
    part_of(target).symlink_to(victim)
    fetch(server, target, Served(DATA))
    assert victim.read_text() == "mine"
    assert target.read_bytes() == DATA
    assert not target.is_symlink()


def test_download_twice_at_once(server, target):
    """Two at once do not mix: the second waits, and both end with the whole file."""
    server.answers["/file"] = Served(DATA, faults=["drop:200000"])
    results = []

    def go():
        results.append(Download(server.url("/file"), target, len(DATA), SHA256).run())

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert results == [target, target]
    assert len(server.asked) == 2  # the broken answer, and the rest
    assert names(target) == ["file.bin"]


def test_download_waiting_for_another_can_be_stopped(server, target):
    """A file in use is waited for, until told to stop."""
    target.parent.mkdir()
    other = filelock.FileLock(f"{part_of(target)}.lock")
    holder = threading.Thread(target=other.acquire)
    holder.start()
    holder.join()
    with pytest.raises(DownloadStoppedError, match="Waiting"):
        fetch(server, target, Served(DATA), should_stop=lambda: True)
    assert server.asked == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_download_interrupted_leaves_what_came(server, target, sign):
    """Ended in the middle: no file under the final name, and the next run goes on."""
    server.answers["/file"] = Served(DATA, faults=["stall:300000"])
    code = (
        "import signal; from pathlib import Path\n"
        "from cxrlib.system.http_download import Download\n"
        # Ignored where the tests themselves were started in the background.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"Download({server.url('/file')!r}, Path({str(target)!r}), {len(DATA)}, {SHA256!r}).run()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (
        part_of(target).exists() and part_of(target).stat().st_size >= 4 * http_download.BLOCK
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(sign)
    assert process.wait(60) != 0
    assert not target.exists()
    size = part_of(target).stat().st_size
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA
    assert server.ranges_asked() == ["bytes=0-", f"bytes={size}-"]
