"""Compute on somebody's upload in a child process: bytes go in and numbers come out by pipes.

Nothing of an upload is written to disk or kept in a record. One child a server is kept warm,
as a network takes seconds to load, and does one upload at a time: thirty at once would take
the memory of thirty networks. It ends with the server, or after two idle minutes.

The child has no file to write to: the system refuses it any (where there is such a limit), its
standard error leads nowhere, and of a fault it tells the kind and the lines of code, never the
words, which could quote what the file holds.
"""

import base64
import contextlib
import hashlib
import io
import json
import logging
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from cxrlib.errors import CxrError, SelectionError
from cxrlib.jobs import EXTRACTION, fill_parameters, load_warm_extractor
from cxrlib.storage import JSON
from cxrlib.system import PACKAGE_FOLDER, give_way, run_module

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

TIMEOUT = 120.0  # seconds; a first upload waits for the network to load
IDLE_SECONDS = 120.0
MAX_PAYLOAD = 200 << 20  # bytes, as Streamlit's own limit of an upload
MAX_ANSWER = 16 << 20  # bytes
PICTURE_SIDE = 1024
"""Longest side of the picture that comes back, pixels."""
COLOURED = 0.01  # share of coloured pixels from which on a picture is said to be in colour


def run_piped(
    kind: str, parameters: Mapping[str, JSON], payload: bytes, *, timeout: float = TIMEOUT
) -> dict[str, JSON]:
    """Compute on bytes in a child process and return what it answers.

    Parameters
    ----------
    kind : str
        One of `PIPED_KINDS`. "embed-upload" takes extractor, weights, trust_sha256 and
        device, and gives embedding, outputs, sha256, width, height, kind ("PNG", "JPEG" or
        "DICOM"), notes (how it was read, in sentences), picture (a JPEG made from the pixels,
        in base64), picture_size and extractor.
    parameters : mapping
    payload : bytes
        The upload, at most 200 MiB.
    timeout : float, default 120
        Seconds, those of waiting for other uploads among them.

    Returns
    -------
    dict

    Raises
    ------
    SelectionError
        If the kind or a parameter is not known.
    CxrError
        If the upload cannot be used (the message says why), or takes too long.
    """
    if kind not in PIPED_KINDS:
        raise SelectionError(
            f"Kind of upload {kind!r} is not known. Use one of: {', '.join(PIPED_KINDS)}."
        )
    full = fill_parameters(kind, parameters, EXTRACTION)
    if len(payload) > MAX_PAYLOAD:
        raise CxrError(
            f"The upload has {len(payload):,} bytes, the limit is {MAX_PAYLOAD >> 20} MiB. "
            "Scale the image down."
        )
    deadline = time.monotonic() + timeout
    if not _turn.acquire(timeout=timeout):
        raise CxrError("Other uploads are being processed. Try again in a minute.")
    try:
        header = {"kind": kind, "parameters": full, "n_bytes": len(payload)}
        answer = _ask(header, payload, deadline)
        # A child that had waited for two minutes may have ended just now: another is asked.
        answer = answer or _ask(header, payload, deadline)
    finally:
        _turn.release()
    if answer is None:
        raise CxrError("The process for uploads ended at once. Try again.")
    return answer


_turn = threading.Lock()
_children: list[subprocess.Popen[bytes]] = []


def end_child() -> None:
    """End the warm child, if there is one; the next upload starts another."""
    while _children:
        child = _children.pop()
        child.kill()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):  # what was not sent yet has nobody to go to
                if pipe is not None:
                    pipe.close()
        child.wait()


def _ask(header: Mapping[str, JSON], payload: bytes, deadline: float) -> dict[str, JSON] | None:
    """Send one request to the child and read its answer; None where it ended by itself."""
    child = _warm_child()
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), end)
    timer.start()
    try:
        line = _converse(child, header, payload)
    finally:
        timer.cancel()
    if line.endswith(b"\n"):
        answer: dict[str, JSON] = json.loads(line)
        if "error" in answer:
            raise CxrError(str(answer["error"]))
        if "fault" in answer:
            end_child()
            logger.error("A fault in the process for uploads: %s", answer["fault"])
            raise CxrError(
                "The program failed on this upload; its log says where, without any content of "
                "the upload. Try another image."
            )
        return dict(answer["result"])
    end_child()
    if child.returncode == 0:
        return None
    if late.is_set():
        raise CxrError("The upload took too long and was stopped. Try again, or a smaller image.")
    # A negative code is a signal: the system ended it. Any other is a fault of ours.
    cause = "it could not start" if child.returncode > 0 else "too little memory is the usual cause"
    raise CxrError(
        f"The process for uploads ended unexpectedly (code {child.returncode}): "
        f"{cause}. Try again, or a smaller image."
    )


def _converse(child: subprocess.Popen[bytes], header: Mapping[str, JSON], payload: bytes) -> bytes:
    """Write a request and read a line; a shorter one where the child ended."""
    if child.stdin is None or child.stdout is None:
        return b""
    try:
        child.stdin.write(json.dumps(header).encode() + b"\n")
        child.stdin.write(payload)
        child.stdin.flush()
        return child.stdout.readline(MAX_ANSWER)
    except OSError:  # the pipe broke
        return b""


def _warm_child() -> subprocess.Popen[bytes]:
    """Return the child, started anew where it has ended."""
    if _children and _children[0].poll() is not None:
        end_child()
    if not _children:
        try:
            child = subprocess.Popen(
                run_module("cxrlib.uploads.isolated_process"),
                cwd=PACKAGE_FOLDER,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # libraries warn there, quoting what they read
                start_new_session=True,
            )
        except OSError as error:
            raise CxrError(f"No process for uploads could be started: {error.strerror}.") from error
        _children.append(child)
    return _children[0]


# ---- in the child


def _embed_upload(parameters: Mapping[str, JSON], payload: bytes) -> dict[str, JSON]:
    """Compute embedding and outputs of one image, and a picture of it."""
    import numpy as np

    from cxrlib.errors import ImageError
    from cxrlib.images import guard_image

    name = Path("upload")
    try:
        image, kind, notes = _decode_upload(payload, name)
        extractor = load_warm_extractor(parameters, lambda *_: None)
        item = guard_image(lambda: extractor.prepare(image), name, "it could not be prepared")
        if problem := extractor.check_prepared(item):
            raise ImageError(name, problem)
        embedding, outputs = extractor.compute(item[np.newaxis])
        if not (np.isfinite(embedding).all() and np.isfinite(outputs).all()):
            raise ImageError(name, f"{extractor.info.label} gave values that are not finite")
    except ImageError as error:
        raise CxrError(f"This upload cannot be used: {error.reason}.") from None
    values = map(float, outputs[0])
    picture, size = _draw_picture(image)
    return {
        "sha256": hashlib.sha256(payload).hexdigest(),
        "width": int(image.shape[1]),
        "height": int(image.shape[0]),
        "kind": kind,
        "notes": notes,
        "picture": base64.b64encode(picture).decode(),
        "picture_size": size,
        "embedding": [float(value) for value in embedding[0]],
        "outputs": dict(zip(extractor.info.output_names, values, strict=True)),
        "extractor": extractor.info.to_dict(),
    }


def _decode_upload(payload: bytes, name: Path) -> tuple["np.ndarray", str, list[str]]:
    """Decode a PNG, JPEG or DICOM file: pixels, its kind, how it was read."""
    from cxrlib.errors import ImageError
    from cxrlib.images import decode_described, decode_dicom, is_enveloped, looks_like_dicom

    if looks_like_dicom(payload) or is_enveloped(payload):
        read = decode_dicom(payload, name)
        return read.pixels, "DICOM", list(read.notes)
    kinds = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG"}
    kind = next((kinds[start] for start in kinds if payload.startswith(start)), "")
    if not kind:  # nothing else is given to a decoder
        raise ImageError(name, _describe_stranger(payload))
    image, _, _, coloured = decode_described(payload, name, side=sys.maxsize)
    red = "It is in colour: only the first channel, red, was read, as from a cohort's files."
    return image, kind, [red] if coloured > COLOURED else []


def _describe_stranger(payload: bytes) -> str:
    """Describe a file that is not accepted."""
    if not payload:
        return "the file is empty"
    if payload.startswith((b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
        return "it is an archive, such as ZIP, encrypted or not: unpack it first"
    if payload[:64].lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "it is a web page, not an image"
    return "it is not a PNG, JPEG or DICOM file, or its start is damaged: save it as one of these"


def _draw_picture(image: "np.ndarray") -> tuple[bytes, tuple[int, int]]:
    """Encode decoded pixels small, and give the size: nothing else of the upload is in it."""
    from PIL import Image

    from cxrlib.images import to_eight_bits

    picture = Image.fromarray(to_eight_bits(image))
    picture.thumbnail((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.LANCZOS)
    target = io.BytesIO()
    picture.save(target, format="JPEG", quality=90)
    return target.getvalue(), picture.size


PIPED_KINDS: dict[str, Callable[[Mapping[str, JSON], bytes], dict[str, JSON]]] = {
    "embed-upload": _embed_upload
}


def answer_requests(source: BinaryIO, target: BinaryIO) -> None:
    """Answer requests until their source ends, or none has come for two minutes."""
    while _wait_for(source) and (line := source.readline()):
        header = json.loads(line)
        payload = source.read(header["n_bytes"])
        if len(payload) < header["n_bytes"]:
            return  # the server ended
        answer: dict[str, JSON]
        try:
            answer = {"result": PIPED_KINDS[header["kind"]](header["parameters"], payload)}
        except CxrError as error:
            answer = {"error": str(error)}
        except MemoryError:
            answer = {"error": "There was not enough memory for the upload. Scale it down."}
        del payload
        target.write(json.dumps(answer).encode() + b"\n")
        target.flush()


def _wait_for(source: BinaryIO) -> bool:
    """Wait for a request; False after two idle minutes."""
    # Whole requests are read, one at a time: none is left in the reader's own buffer.
    with contextlib.suppress(OSError, ValueError):  # a system that cannot select on pipes
        return bool(select.select([source], [], [], IDLE_SECONDS)[0])
    return True


def _forbid_files() -> None:
    """Let the system refuse this process to write to files, and to leave its memory in one."""
    try:
        import resource
    except ImportError:  # not on this system: then there is only the code above
        return
    # PyTorch asks for the folder of temporary files, and Python finds one by writing to it.
    with contextlib.suppress(OSError):
        tempfile.gettempdir()
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(limit, (0, 0))


def _report_fault(target: BinaryIO) -> None:
    """Answer with a fault's kind and place, without its words; then Python ends the process."""

    def report(kind: type[BaseException], _: BaseException, trace: TracebackType | None) -> None:
        lines = [f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(trace)]
        answer = {"fault": f"{kind.__name__} at {', '.join(lines)}"}
        with contextlib.suppress(OSError):
            target.write(json.dumps(answer).encode() + b"\n")
            target.flush()

    sys.excepthook = report


def _main() -> None:
    """Keep standard output for the answers: libraries print."""
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _report_fault(target)
    give_way()
    _forbid_files()
    answer_requests(sys.stdin.buffer, target)


if __name__ == "__main__":
    _main()
