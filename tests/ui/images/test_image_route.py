"""The route of the images: who may see what, what is said to all others, and nothing more."""

import asyncio
import hashlib
import io
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message
from streamlit import config
from streamlit.web.server.starlette.starlette_app import create_streamlit_middleware

import ui.session.resources
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.display import tokens
from cxrlib.errors import CohortError, SelectionError
from tests.cohort_factory import draw_image, make_cohort, make_damaged_avif
from ui.images import image_route, image_source
from ui.images.image_route import image_url, routes
from ui.session.byte_cache import ByteCache
from ui.widgets import address

ROOT = Path(__file__).resolve().parents[3]
ODD_NAMES = (
    *("a b.png", "c#1.png", "100%.png", "%2e%2e%2f.png", "q?kind=full&x=1.png", "a+b.png"),
    *("<img src=x onerror=alert(1)>.png", "sub/folder/d.png", "sub//e.png", "ü…é.png", "..f.png"),
)


@dataclass(frozen=True)
class Answer:
    """Hold what came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def pixels(self) -> np.ndarray:
        """The image in the answer."""
        return np.asarray(Image.open(io.BytesIO(self.body)))


async def ask(app: ASGIApp, url: str, headers: dict[str, str] | None = None) -> Answer:
    """Send one request as the server's HTTP layer would."""
    path, _, query = url.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in (headers or {}).items()],
        "server": ("localhost", 80),
        "client": ("localhost", 1),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    got = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return Answer(sent[0]["status"], got, body)


def get(url: str, headers: dict[str, str] | None = None, *, guarded: bool = True) -> Answer:
    """Ask an app with these routes, behind Streamlit's own middleware unless told otherwise."""
    middleware = create_streamlit_middleware() if guarded else []
    return asyncio.run(ask(Starlette(routes=routes(), middleware=middleware), url, headers))


@pytest.fixture
def cohort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cohort:
    """Serve a small cohort under the slug "small", with a cache of its own."""
    names = ("a.png", "b.jpg", "wide.png", *ODD_NAMES)
    drawn = {name: draw_image(i, height=90, width=70) for i, name in enumerate(names)}
    drawn["wide.png"] = draw_image(50, height=40, width=3_200)
    root = make_cohort(
        tmp_path / "private-folder" / "c",
        [{"filename": name} for name in names],
        images=drawn,
        masks=["a.png"],
    )
    Image.fromarray(np.full((90, 70), 255, np.uint8)).save(
        root / "annotations" / "lungVAE-masks" / "a_mask.png"
    )
    loaded = load_cohort(root)

    def find_cohort(slug: str) -> Cohort:
        if slug != "small":
            raise SelectionError(f"There is no cohort {slug!r}. This server has 'small'.")
        return loaded

    monkeypatch.setattr(ui.session.resources, "find_cohort", find_cohort)
    monkeypatch.setenv("CXR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(image_source, "_full_images", ByteCache(1 << 20))
    return loaded


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if anything is looked up: a refused request must not get so far."""

    def look_up(slug: str) -> Cohort:
        pytest.fail(f"The cohort {slug!r} was looked up.")

    monkeypatch.setattr(ui.session.resources, "find_cohort", look_up)


def check_refused(answer: Answer, status: int, words: str = "") -> None:
    """Check that an answer is one plain sentence, is not kept, and names no folder."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    text = answer.body.decode()
    assert words in text
    assert text.endswith(".\n")
    assert "private-folder" not in text
    assert "Traceback" not in text


# ---- what is shown


@pytest.mark.parametrize(
    ("kind", "media_type", "kept"),
    [("thumb", "image/jpeg", "JPEG"), ("full", "image/png", "PNG"), ("mask", "image/png", "PNG")],
)
def test_each_kind_is_an_image_of_its_true_type(
    cohort: Cohort, kind: image_route.Kind, media_type: str, kept: str
) -> None:
    """Type and bytes agree; a browser must not guess, keeps it to itself and asks again soon."""
    answer = get(image_url("small", "a.png", kind))
    assert answer.status == 200
    assert answer.headers["content-type"] == media_type
    assert Image.open(io.BytesIO(answer.body)).format == kept
    assert answer.headers["cache-control"] == "private, max-age=300"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert cohort.n_images == 14


def test_a_full_image_is_the_file_pixel_by_pixel(cohort: Cohort) -> None:
    """What is shown large is what is stored, and not the file itself."""
    answer = get(image_url("small", "a.png", "full"))
    assert (answer.pixels == draw_image(0, height=90, width=70)).all()
    assert answer.body != cohort.image_path("a.png").read_bytes()
    assert get(image_url("small", "a.png", "full")).body == answer.body  # from memory


@pytest.mark.usefixtures("cohort")
def test_a_very_wide_image_says_that_it_is_scaled() -> None:
    """A header names both sizes; an image of its own size has none."""
    answer = get(image_url("small", "wide.png", "full"))
    assert answer.headers["x-scaled-down"] == "3000x38 of 3200x40"
    assert answer.pixels.shape == (38, 3_000)
    assert "x-scaled-down" not in get(image_url("small", "a.png", "full")).headers


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_lead_to_their_own_image(cohort: Cohort, name: str) -> None:
    """Spaces, #, %, ?, +, markup, folders and other scripts in an id stay what they are."""
    image_id = str(cohort.table["image_id"][cohort.table["filename"] == name].iloc[0])
    url = image_url("small", image_id, "full")
    assert not set(url) & set(" <>\"'#")
    answer = get(url)
    assert answer.status == 200, answer
    seed = cohort.table["filename"].tolist().index(name)
    assert (answer.pixels == draw_image(seed, height=90, width=70)).all()


@pytest.mark.usefixtures("cohort")
def test_a_browser_that_has_an_image_gets_no_second_copy() -> None:
    """The same tag: nothing is sent; another image's or kind's tag: the image is."""
    url = image_url("small", "a.png", "thumb")
    tag = get(url).headers["etag"]
    for sent in (tag, f"W/{tag}", f'"x", {tag}'):
        again = get(url, {"if-none-match": sent})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == tag
    others = [get(image_url("small", "b.jpg", "thumb")), get(image_url("small", "a.png", "full"))]
    for other in others:
        assert get(url, {"if-none-match": other.headers["etag"]}).status == 200


def test_an_address_stays_the_same_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an hour long it is one address; every one of them works for half an hour at least."""
    start = 1_000 * image_route.PERIOD
    seen = []
    for now in range(start, start + 2 * image_route.PERIOD, 60):
        monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda now=now: now))
        seen.append(image_url("small", "a.png", "thumb"))
    assert len(set(seen)) == 2


# ---- what is refused


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    "change",
    [
        lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"),
        lambda url: url.replace("a.png", "b.jpg"),
        lambda url: url.replace("/small/", "/other/"),
        lambda url: url.replace("kind=thumb", "kind=full"),
        lambda url: url.replace("kind=thumb", "kind="),
        lambda url: url.replace("kind=thumb&", ""),
        lambda url: url.replace("expires=", "expires=9"),
        lambda url: url.replace("expires=", "expires=-"),
        lambda url: url.replace("expires=", "expires=1e9&x="),
        lambda url: url.replace("expires=", "expires=" + "9" * 5_000 + "&x="),
        lambda url: url.replace("expires=", "expires=%D9%A1&x="),
        lambda url: url.split("?")[0],
        lambda url: url.split("&token")[0],
        lambda url: url.split("&token")[0] + "&token=",
        lambda url: url.split("&token")[0] + "&token=%C3%B6%00%FF",
        lambda url: url + "&token=x",
        lambda url: url + "&kind=full",
        lambda url: url.replace("a.png", "a.png/"),
        lambda url: url.replace("a.png", "A.png"),
    ],
)
def test_a_forged_address_opens_nothing(change: Callable[[str], str]) -> None:
    """Whatever is changed, the answer is the same, and nothing was looked up for it."""
    url = image_url("small", "a.png", "thumb")
    assert change(url) != url
    check_refused(get(change(url)), 403, "not from the running server")


@pytest.mark.usefixtures("locked")
def test_an_old_address_says_how_to_get_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two periods later it is over."""
    url = image_url("small", "a.png", "thumb")
    later = time.time() + 2 * image_route.PERIOD
    monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda: later))
    check_refused(get(url), 403, "Reload the page")


@pytest.mark.usefixtures("locked")
def test_another_servers_address_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process has a secret of its own."""
    url = image_url("small", "a.png", "thumb")
    monkeypatch.setattr(image_route, "_SECRET", bytes(32))
    check_refused(get(url), 403)


@pytest.mark.usefixtures("cohort")
@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("kind", ["thumb", "full", "mask"])
@pytest.mark.parametrize(
    "image_id",
    [
        "../metadata.csv",
        "../../c/images/a.png",
        "..",
        ".",
        "",
        "/etc/passwd",
        "//etc/passwd",
        "sub/../a.png",
        "%2e%2e/metadata.csv",
        "..\\metadata.csv",
        "C:\\a.png",
        "a.png\x00",
        "\x00",
        "a.png ",
        "images/a.png",
        "./a.png",
        "\ud800",
        "x" * 5_000,
    ],
)
def test_tricks_with_paths_open_nothing(
    image_id: str, kind: image_route.Kind, *, guarded: bool
) -> None:
    """An id is looked up among ids, never as a path: even a signed trick finds nothing."""
    answer = get(image_url("small", image_id, kind), guarded=guarded)
    if answer.status == 400:
        assert answer.body == b"Bad Request"
    else:
        check_refused(answer, 403 if image_id == "\ud800" else 404)


def test_what_does_not_exist_is_said(cohort: Cohort) -> None:
    """An unknown cohort, an unknown image, an image without a mask."""
    check_refused(get(image_url("other", "a.png", "thumb")), 404, "no cohort 'other'")
    check_refused(get(image_url("small", "z.png", "thumb")), 404, "no image 'z.png'")
    check_refused(get(image_url("small", "b.jpg", "mask")), 404, "no lung mask")
    assert cohort.image_path("b.jpg").is_file()


@pytest.mark.usefixtures("cohort")
def test_a_cohort_that_cannot_be_read_names_no_folder(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The folder goes to the log, not to the browser."""

    def find_cohort(slug: str) -> Cohort:
        raise CohortError("There is no folder '/private-folder'.")

    monkeypatch.setattr(ui.session.resources, "find_cohort", find_cohort)
    check_refused(get(image_url("small", "a.png", "thumb")), 503, "cannot be read at present")
    assert "/private-folder" in caplog.text


# ---- what changes under a running server


@pytest.mark.parametrize("kind", ["thumb", "full"])
@pytest.mark.parametrize("seen_before", [True, False])
def test_a_changed_file_is_not_shown(
    cohort: Cohort, kind: image_route.Kind, *, seen_before: bool
) -> None:
    """Neither the new nor the old picture, though the old one may still be in memory."""
    url = image_url("small", "a.png", kind)
    tag = get(url).headers["etag"] if seen_before else "x"
    Image.fromarray(draw_image(99, height=90, width=70)).save(cohort.image_path("a.png"))
    check_refused(get(url), 410, "changed")
    check_refused(get(url, {"if-none-match": tag}), 410, "changed")


@pytest.mark.parametrize("kind", ["thumb", "full"])
def test_a_file_that_went_away_is_said(cohort: Cohort, kind: image_route.Kind) -> None:
    """Gone, a link out of the folder, a link to itself, a folder in its place."""
    path = cohort.image_path("a.png")
    outside = path.parent.parent.parent / "outside.png"
    url = image_url("small", "a.png", kind)
    assert get(url).status == 200
    path.rename(outside)
    check_refused(get(url), 410, "no file of that name")
    path.symlink_to(outside)
    check_refused(get(url), 410, "link that leaves")
    path.unlink()
    path.symlink_to(path)
    assert get(url).status == 410
    path.unlink()
    path.mkdir()
    check_refused(get(url), 410, "not a regular file")


def test_a_link_within_the_cohort_is_fine(cohort: Cohort) -> None:
    """Some tools keep contents elsewhere in the folder and link to them."""
    path = cohort.image_path("a.png")
    path.rename(cohort.root / "kept")
    path.symlink_to(cohort.root / "kept")
    assert get(image_url("small", "a.png", "thumb")).status == 200


@pytest.mark.parametrize("kind", ["thumb", "full"])
def test_damaged_and_enormous_files_are_said(
    cohort: Cohort, kind: image_route.Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truncated, or a header that claims more than is ever decoded."""
    table, path = cohort.table.copy(), cohort.image_path("a.png")
    picture = io.BytesIO()
    Image.fromarray(draw_image(1, height=90, width=70)).save(picture, "JPEG")
    enormous = b"BM" + bytes(8) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    enormous += (60_000).to_bytes(4, "little") * 2 + b"\x01\x00\x08\x00" + bytes(24)
    for data in (picture.getvalue()[:-400], enormous, b"", make_damaged_avif()):
        path.write_bytes(data)
        table.loc[table["image_id"] == "a.png", "sha256"] = hashlib.sha256(data).hexdigest()
        changed = replace(cohort, table=table)
        monkeypatch.setattr(ui.session.resources, "find_cohort", lambda _, changed=changed: changed)
        check_refused(get(image_url("small", "a.png", kind)), 410, "cannot be used")


def test_a_deleted_cache_is_made_again(cohort: Cohort, tmp_path: Path) -> None:
    """Thumbnails go, images stay on screen."""
    url = image_url("small", "a.png", "thumb")
    first = get(url)
    assert (tmp_path / "cache" / "thumbnails").is_dir()
    shutil.rmtree(tmp_path / "cache")
    assert get(url).body == first.body
    assert (tmp_path / "cache" / "thumbnails").is_dir()
    assert cohort.image_path("a.png").is_file()


@pytest.mark.usefixtures("cohort")
def test_a_full_disk_hides_no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thumbnail is made anew each time and shown."""
    as_it_was = Path.open

    def open_full(path: Path, *arguments: str) -> object:
        full = path.name.endswith(".tmp")
        return as_it_was(Path("/dev/full"), "wb") if full else as_it_was(path, *arguments)

    monkeypatch.setattr(Path, "open", open_full)
    url = image_url("small", "a.png", "thumb")
    assert get(url).body == get(url).body
    assert get(url).status == 200


# ---- the server goes on


@pytest.mark.usefixtures("cohort")
def test_a_long_decoding_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """While full images are being decoded, the server answers, thumbnails too."""
    released = threading.Event()
    decode = image_source.encode_full

    def wait(data: bytes, path: Path) -> object:
        assert released.wait(20)
        return decode(data, path)

    monkeypatch.setattr(image_source, "encode_full", wait)

    async def run() -> list[int]:
        app = Starlette(routes=routes())
        names = ("a.png", "b.jpg", *ODD_NAMES[:4])
        slow = [asyncio.create_task(ask(app, image_url("small", n, "full"))) for n in names]
        await asyncio.sleep(0.1)
        thumbs = [await ask(app, image_url("small", name, "thumb")) for name in names]
        assert not any(task.done() for task in slow)
        released.set()
        return [answer.status for answer in [*thumbs, *await asyncio.gather(*slow)]]

    assert asyncio.run(run()) == [200] * 12


@pytest.mark.usefixtures("cohort")
def test_many_at_once_get_the_same() -> None:
    """Forty requests for one thumbnail that nobody has made yet."""

    async def run() -> set[bytes]:
        app = Starlette(routes=routes())
        url = image_url("small", "a.png", "thumb")
        answers = await asyncio.gather(*(ask(app, url) for _ in range(40)))
        assert {answer.status for answer in answers} == {200}
        return {answer.body for answer in answers}

    assert len(asyncio.run(run())) == 1


@pytest.mark.usefixtures("cohort")
@pytest.mark.parametrize("base", ["ward", "/ward/5/", ""])
def test_a_base_path_stands_before_the_address(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the dashboard is served below a path, so are its images."""
    as_it_was = config.get_option

    def get_option(key: str) -> object:
        return base if key == "server.baseUrlPath" else as_it_was(key)

    monkeypatch.setattr(config, "get_option", get_option)
    monkeypatch.setattr(address.st, "get_option", get_option)
    url = image_url("small", "a.png", "thumb")
    assert url.startswith("/".join(["", *filter(None, base.split("/")), "xray", "small", ""]))
    assert get(url).status == 200


def test_streamlit_takes_the_routes() -> None:
    """None of them is one that Streamlit keeps for itself."""
    import streamlit as st

    assert st.App(str(Path(ui.__file__).parent / "router.py"), routes=routes())


def test_the_route_costs_no_time_at_the_start() -> None:
    """Tables and images are imported with the first image asked for: a server waits for routes."""
    code = "import sys, ui.images.image_route; print('cxrlib.cohort.cohort' in sys.modules)"
    command = [sys.executable, "-c", f"import streamlit; {code}"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
