"""Test downloads against a server that drops, stalls, truncates, lies and sends us elsewhere."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cxrlib.errors import DownloadError, DownloadStoppedError
from cxrlib.system import http_download
from cxrlib.system.http_download import Download, check_space, download, hold_lock
from tests.faulty_server import Served, faulty_server

DATA = os.urandom(700_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Pause for less than a person would; wait for answers as long as a busy machine needs."""
    monkeypatch.setattr(http_download, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(http_download, "TIMEOUT", 60)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def be_impatient(monkeypatch):
    """Notice a stalled connection soon: where one is planted only, others may be slow."""
    return lambda: monkeypatch.setattr(http_download, "TIMEOUT", 3)


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


def count_attempts(monkeypatch):
    """Note every request that is made."""
    ask, asked = http_download._Transfer._ask, []

    def note(transfer, start):
        asked.append(start)
        return ask(transfer, start)

    monkeypatch.setattr(http_download._Transfer, "_ask", note)
    return asked


def fetch(server, target, served, **options):
    """Serve a file and download it."""
    server.answers["/file"] = served
    known = {"n_bytes": len(DATA), "sha256": SHA256} | options
    return download(Download(server.url("/file"), target, **known))


def test_a_plain_download(server, target):
    """All bytes arrive, nothing else is left, the answer is asked for as it is."""
    assert fetch(server, target, Served(DATA)) == target
    assert target.read_bytes() == DATA
    assert names(target) == ["file.bin"]
    assert server.asked[0][1]["Accept-Encoding"] == "identity"
    assert "Range" not in server.asked[0][1]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    "fault", ["drop:300000", "stall:300000", "lie:5", "status:503", "status:429:0", "status:500"]
)
def test_what_passes_is_tried_again(server, target, fault, known, be_impatient):
    """A broken, stalled, overloaded or mistaken answer is followed by another request."""
    if fault.startswith("stall"):
        be_impatient()
    options = {} if known else {"n_bytes": 0, "sha256": ""}
    if fault == "lie:5" and known:
        options = {"n_bytes": 0}  # with a known size it is refused before it is read
    fetch(server, target, Served(DATA, faults=[fault]), **options)
    assert target.read_bytes() == DATA
    assert len(server.asked) == 2
    assert names(target) == ["file.bin"]


def test_a_resumed_download_asks_for_the_rest_only(server, target, be_impatient):
    """What came is not sent again, however often the connection breaks."""
    be_impatient()
    faults = ["drop:200000", "drop:200000", "stall:200000"]
    fetch(server, target, Served(DATA, faults=faults), n_bytes=0, sha256="")
    assert target.read_bytes() == DATA
    assert server.ranges_asked() == ["", "bytes=200000-", "bytes=400000-", "bytes=600000-"]
    assert server.asked[1][1]["If-Range"] == '"one"'
    assert server.n_sent == len(DATA)


def test_an_interrupted_run_is_resumed_by_the_next(server, target):
    """What a run that gave up left is used by the next."""
    faults = ["drop:200000", *["status:503"] * 5]
    with pytest.raises(DownloadError, match=r"503 Service Unavailable; 0\.2 MB are kept"):
        fetch(server, target, Served(DATA, faults=faults))
    assert names(target) == [".file.bin.part", ".file.bin.part.json"]
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA
    assert server.ranges_asked()[-1] == "bytes=200000-"
    assert names(target) == ["file.bin"]


@pytest.mark.parametrize("kind", ["changed", "no ranges", "shifted", "no etag"])
def test_what_cannot_be_resumed_starts_again(server, target, kind):
    """Another state of the file, a server that cannot, a wrong part: from the beginning."""
    other = os.urandom(500_000)
    served = Served(other, faults=["drop:200000"])
    if kind == "shifted":
        served.faults.append("shifted")
    if kind == "no etag":
        served.etag = ""
    if kind == "no ranges":
        served.ranges = False
    if kind == "changed":
        target.parent.mkdir()
        part_of(target).write_bytes(DATA[:200_000])
        record = {"url": server.url("/file"), "validator": '"older"'}
        Path(f"{part_of(target)}.json").write_text(json.dumps(record))
        served.faults = []
    fetch(server, target, served, n_bytes=0, sha256="")
    assert target.read_bytes() == other


def test_a_wrong_rest_from_an_earlier_run_is_dropped_once(server, target):
    """A part whose bytes are wrong fails the hash and is fetched whole, not for ever."""
    target.parent.mkdir()
    part_of(target).write_bytes(b"x" * 300_000)
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA
    assert server.ranges_asked() == ["bytes=300000-", ""]


@pytest.mark.parametrize(
    ("record", "asked"),
    [
        ("", ""),
        ("[]", ""),
        ("null", ""),
        ('{"url": "URL", "validator": 5}', ""),
        ('{"url": "URL", "validator": "a\\r\\nHost: b"}', ""),
        ('{"url": "elsewhere", "validator": "\\"one\\""}', ""),
        ('{"url": "URL", "validator": "\\"one\\""}', "bytes=300000-"),
    ],
)
def test_a_damaged_record_of_a_part(server, target, record, asked):
    """A record that says nothing, or of another address, does not count; headers stay ours."""
    target.parent.mkdir()
    part_of(target).write_bytes(DATA[:300_000])
    Path(f"{part_of(target)}.json").write_text(record.replace("URL", server.url("/file")))
    fetch(server, target, Served(DATA), n_bytes=0, sha256="")
    assert target.read_bytes() == DATA
    assert server.ranges_asked() == [asked]


def test_a_whole_part_is_not_fetched_again(server, target):
    """Killed before the last step: the part is whole and gets its name."""
    target.parent.mkdir()
    part_of(target).write_bytes(DATA)
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA
    assert server.n_sent == 0


def test_a_part_longer_than_the_file(server, target):
    """The file became shorter: from the beginning."""
    target.parent.mkdir()
    part_of(target).write_bytes(DATA + b"more")
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA


@pytest.mark.parametrize(
    ("served", "message"),
    [
        (Served(DATA[:-1] + b"?"), r"700,000 bytes\) is not the file"),
        (Served(DATA[:-5]), "offers 699,995 bytes where 700,000 are right"),
        (Served(DATA + b"?"), "offers 700,001 bytes where 700,000 are right"),
        (Served(DATA + b"?", length=False), "larger than 700,000 bytes"),
        (Served(DATA, faults=["short:5"]), "offers 699,995 bytes"),
        (Served(b"<html>Sign in", content_type="text/html; charset=utf-8"), "a web page came"),
        (Served(DATA, encoding="gzip"), "encoded as 'gzip'"),
        (Served(DATA, faults=["status:404"]), "404 Not Found"),
        (Served(DATA, faults=["status:403"]), "403 Forbidden"),
        (Served(DATA, faults=["status:407"]), "407 Proxy Authentication Required"),
    ],
)
def test_what_is_wrong_is_refused_at_once(server, target, served, message):
    """Wrong bytes, sizes or pages: one request, clear words, nothing left."""
    with pytest.raises(DownloadError, match=message) as caught:
        fetch(server, target, served)
    assert repr(server.url("/file")) in str(caught.value)
    assert len(server.asked) == 1
    assert names(target) == []


def test_an_unknown_size_has_a_limit(server, target):
    """An endless answer ends at the limit, announced or not."""
    for length in (True, False):
        with pytest.raises(DownloadError, match=r"100,000( bytes| are right)"):
            fetch(server, target, Served(DATA, length=length), n_bytes=0, max_bytes=100_000)
        assert names(target) == []


def test_what_nothing_tells_apart_is_not_kept(server, target, caplog):
    """Without a tag or a hash a part may be of anything: it is removed, and that is said."""
    served = Served(DATA, etag="", faults=["drop:300000", "drop:300000", "status:404"])
    with pytest.raises(DownloadError, match=r"answers 404 Not Found\.$"):
        fetch(server, target, served, n_bytes=0, sha256="")
    assert server.ranges_asked() == ["", "", ""]
    assert "sent from its beginning again" in caplog.text
    assert names(target) == []


def test_a_lasting_lie_about_the_size_ends(server, target):
    """A server that always announces more than it sends is given up.

    One with ranges says on the second request that nothing is left: then the file is whole.
    """
    fetch(server, target, Served(DATA, faults=["lie:9"]), n_bytes=0, sha256="")
    assert target.read_bytes() == DATA
    served = Served(DATA, ranges=False, faults=["lie:9"] * 20)
    with pytest.raises(DownloadError, match="ended after 700,000 of 700,009 bytes"):
        fetch(server, target, served, n_bytes=0, sha256="")
    assert len(server.asked) == 2 + http_download.ATTEMPTS


def test_a_server_that_always_drops_at_the_same_place_ends(server, target):
    """Without ranges the same bytes come again and again: that is no progress."""
    served = Served(DATA, ranges=False, faults=["drop:600000"] * 50)
    with pytest.raises(DownloadError, match="ended after 600,000 of 700,000"):
        fetch(server, target, served)
    assert len(server.asked) == http_download.ATTEMPTS


def test_chunked_answers(server, target):
    """An answer without a length is whole only if it ends as it should."""
    served = Served(DATA, length=False, faults=["cut-chunk:100000", "drop:100000"])
    fetch(server, target, served, n_bytes=0, sha256="")
    assert target.read_bytes() == DATA
    assert len(server.asked) == 3


def test_a_dripping_connection_counts_as_stalled(server, target, monkeypatch):
    """Single bytes keep a connection open for ever, not a download."""
    monkeypatch.setattr(http_download, "SLOWEST", (0.3, 1000))
    fetch(server, target, Served(DATA, faults=["drip"]))
    assert target.read_bytes() == DATA
    assert 1 <= int(server.ranges_asked()[1].removeprefix("bytes=").rstrip("-")) < 100


def test_retry_after_is_heeded(server, target):
    """A server that asks to be left alone is."""
    started = time.monotonic()
    fetch(server, target, Served(DATA, faults=["status:503:1"]))
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://example.org/x",
        "data:,x",
        "gopher://127.0.0.1/",
    ],
)
def test_redirects_lead_nowhere_else(server, target, address):
    """No redirect leads to a file, to another kind of address or off encryption."""
    with pytest.raises(DownloadError, match="sends us on to"):
        fetch(server, target, Served(b"", redirect=address))
    assert len(server.asked) == 1
    with pytest.raises(DownloadError, match="not https"):
        download(Download(address, target))


def test_redirects_are_followed_and_end(server, target):
    """A redirect keeps the range; a circle ends."""
    server.answers["/there"] = Served(DATA, faults=["drop:300000"])
    fetch(server, target, Served(b"", redirect="/there"))
    assert target.read_bytes() == DATA
    assert server.asked[-1][1]["Range"] == "bytes=300000-"
    with pytest.raises(DownloadError, match="302"):
        fetch(server, target, Served(b"", redirect="/file"))


def test_https_is_not_left(monkeypatch):
    """From https no redirect leads to http, not even on this machine."""
    handler = http_download._StrictRedirects()
    request = http_download.urllib.request.Request("https://example.org/a")
    with pytest.raises(http_download.urllib.error.URLError, match="not https"):
        handler.redirect_request(request, None, 302, "", None, "http://127.0.0.1/b")
    assert handler.redirect_request(request, None, 302, "", {}, "https://example.org/b")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "https://no-such-name.invalid/x", "https://127.0.0.1:9/x"]
)
def test_without_network_it_ends_soon(target, url, monkeypatch):
    """No name, no listener: one sentence after two attempts at most."""
    asked = count_attempts(monkeypatch)
    with pytest.raises(DownloadError, match="could not be downloaded"):
        download(Download(url, target))
    assert 1 <= len(asked) <= 2
    assert names(target) == []


def test_a_server_that_never_answers(target, monkeypatch):
    """Silence before any answer is not waited for twice."""
    monkeypatch.setattr(http_download, "TIMEOUT", 0.5)
    asked = count_attempts(monkeypatch)
    with http_download.socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(DownloadError, match=r"nothing came from '127\.0\.0\.1'"):
            download(Download(url, target))
    assert len(asked) == 1


def test_an_untrusted_certificate_is_said_as_such(target, tmp_path):
    """Behind a proxy that opens connections: the message says what to set."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate.")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    names_option = ["subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names_option], check=True, capture_output=True)
    with faulty_server() as server:
        context = http_download.ssl.SSLContext(http_download.ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.answers["/file"] = Served(DATA)
        url = f"https://localhost:{server.server_port}/file"
        with pytest.raises(DownloadError, match=r"not trusted .* SSL_CERT_FILE"):
            download(Download(url, target))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate))
            assert download(Download(url, target, sha256=SHA256)).read_bytes() == DATA


def test_proxies_of_the_environment_are_used(server, target, monkeypatch):
    """HTTP_PROXY is asked instead of the address itself, and NO_PROXY leaves it out."""
    monkeypatch.setenv("http_proxy", server.url(""))
    server.answers["http://localhost:9/file"] = Served(DATA)
    download(Download("http://localhost:9/file", target, sha256=SHA256))
    assert target.read_bytes() == DATA
    monkeypatch.setenv("no_proxy", "localhost")
    with pytest.raises(DownloadError, match="refused"):
        download(Download("http://localhost:9/file", target))


def test_progress(server, target, monkeypatch):
    """Progress names the file, counts bytes, and ends at the whole."""
    monkeypatch.setattr(http_download, "REPORT_INTERVAL", 0)
    calls = []
    server.answers["/file"] = Served(DATA, faults=["drop:300000"])
    wanted = Download(server.url("/file"), target, label="weights")
    download(wanted, on_progress=lambda *call: calls.append(call))
    assert {stage for stage, *_ in calls} == {"Downloading weights"}
    done = [call[1] for call in calls]
    assert done == sorted(done)
    assert calls[-1][1:] == (len(DATA), len(DATA))
    assert all(total == len(DATA) for *_, total in calls)


@pytest.mark.parametrize(("expected", "totals"), [(0, {0}), (900_000, {900_000})])
def test_progress_of_unknown_size(server, target, monkeypatch, expected, totals):
    """Without a length the size is what was expected, or unknown; at the end it is known."""
    monkeypatch.setattr(http_download, "REPORT_INTERVAL", 0)
    calls = []
    server.answers["/file"] = Served(DATA, length=False)
    wanted = Download(server.url("/file"), target, expected_bytes=expected)
    download(wanted, on_progress=lambda *call: calls.append(call))
    assert {call[2] for call in calls[:-1]} == totals
    assert calls[-1][1:] == (len(DATA), len(DATA))


@pytest.mark.parametrize("fault", ["stall:300000", "status:503:30"])
def test_stopping(server, target, fault, monkeypatch, be_impatient):
    """A stop is heeded while bytes are awaited or a pause is made; the next run goes on."""
    if fault.startswith("stall"):
        be_impatient()
    monkeypatch.setattr(http_download, "ASK_INTERVAL", 0)
    served = Served(DATA, faults=["drop:300000", fault])
    server.answers["/file"] = served
    wanted = Download(server.url("/file"), target, n_bytes=len(DATA), sha256=SHA256)
    started = time.monotonic()
    with pytest.raises(DownloadStoppedError, match=r"stopped after 0\.\d MB, which are kept"):
        download(wanted, should_stop=lambda: len(server.asked) >= 2)
    assert time.monotonic() - started < 20  # the server asked for a pause of 30 s
    assert not target.exists()
    download(wanted)
    assert target.read_bytes() == DATA


def test_a_full_disk_is_noticed_before(server, target, monkeypatch):
    """Too little space is said before anything is written, with both numbers."""
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**6))
    with pytest.raises(DownloadError, match=r"needs 1 MB of space and the disk .* has 1 MB left"):
        fetch(server, target, Served(DATA))
    with pytest.raises(DownloadError, match="needs 5,000 MB of space"):
        check_space(target.parent, 5 * 10**9, "https://example.org/x")
    assert names(target) == []


def test_a_disk_that_fills_up_keeps_what_came(server, target, monkeypatch):
    """A disk full in the middle is said as such; with room the next run goes on."""
    write, written = http_download._Transfer._write, []

    def fill(transfer, block):
        if sum(written) > 300_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(len(block))
        write(transfer, block)

    monkeypatch.setattr(http_download._Transfer, "_write", fill)
    with pytest.raises(DownloadError, match="there is no space left on the disk"):
        fetch(server, target, Served(DATA))
    assert not target.exists()
    monkeypatch.setattr(http_download._Transfer, "_write", write)
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA
    assert server.ranges_asked()[1] == f"bytes={sum(written)}-"


def test_no_permission(server, tmp_path):
    """A folder that may not be written is said as such."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("This user may write everywhere.")
    with pytest.raises(DownloadError, match="there is no permission"):
        fetch(server, folder / "file.bin", Served(DATA))


def test_a_link_in_the_way_is_not_followed(server, target, tmp_path):
    """A part that is a link to elsewhere is not written through."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    target.parent.mkdir()
    part_of(target).symlink_to(victim)
    with pytest.raises(DownloadError):
        fetch(server, target, Served(DATA))
    assert victim.read_text() == "mine"


def test_two_downloads_of_one_file(server, target, be_impatient):
    """Two at once do not mix: the second waits, and both end with the whole file."""
    be_impatient()
    server.answers["/file"] = Served(DATA, faults=["drop:200000", "stall:100000"])
    wanted = Download(server.url("/file"), target, n_bytes=len(DATA), sha256=SHA256)
    threads = [threading.Thread(target=download, args=(wanted,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert target.read_bytes() == DATA
    assert names(target) == ["file.bin"]


def test_waiting_for_another_can_be_stopped(tmp_path):
    """A file in use is waited for, until told to stop; its lock goes with its owner."""
    path = tmp_path / "part"
    with hold_lock(path), pytest.raises(DownloadStoppedError), hold_lock(path, lambda: True):
        pass
    with hold_lock(path):
        pass


def test_an_interrupted_process_leaves_what_came(server, target):
    """Ctrl-C in the middle: no file under the final name, and the next run goes on."""
    server.answers["/file"] = Served(DATA, faults=["stall:300000"])
    code = (
        "import signal; from pathlib import Path\n"
        "from cxrlib.system.http_download import Download, download\n"
        # Ignored where the tests themselves were started in the background.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"download(Download({server.url('/file')!r}, Path({str(target)!r}), sha256={SHA256!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (part_of(target).exists() and part_of(target).stat().st_size >= 300_000):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) != 0
    assert names(target) == [".file.bin.part", ".file.bin.part.json"]
    fetch(server, target, Served(DATA))
    assert target.read_bytes() == DATA
    assert server.ranges_asked() == ["", "bytes=300000-"]
