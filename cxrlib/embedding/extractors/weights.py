"""Weights files: where they lie, how they get here, and which are safe to open.

torchxrayvision publishes its weights as pickles, and opening a pickle runs whatever code is
in it; its own loader opens any file. Here the bytes are read once, hashed, and loaded from
those very bytes. Only bytes of a known hash, or of one the user names, are unpickled; all
others must be a plain state dict, which torch reads without running code.
"""

import hashlib
import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Only the name of an exception that torch raises; nothing is unpickled by this module.
from pickle import UnpicklingError  # noqa: TID251
from typing import TYPE_CHECKING

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.errors import DownloadError, SelectionError, WeightsError
from cxrlib.storage import read_regular
from cxrlib.system import Download, describe_read_error

if TYPE_CHECKING:
    import torch

__all__ = [
    "WEIGHTS_FILES",
    "WeightsFile",
    "download_weights",
    "find_weights",
    "load_state",
    "read_weights",
    "weights_folder",
]

BASE_URL = "https://github.com/mlmed/torchxrayvision/releases/download/v1/"
MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class WeightsFile:
    """Name an official weights file of torchxrayvision.

    Parameters
    ----------
    extractor : str
    file_name : str
    n_bytes : int
        Size; 0 where it is not known.
    sha256 : str
        "" where it is not known: such a file is not downloaded and not trusted unasked.
    """

    extractor: str
    file_name: str
    n_bytes: int = 0
    sha256: str = ""

    @property
    def url(self) -> str:
        """Give the address it is published at."""
        return BASE_URL + self.file_name

    def describe(self) -> str:
        """Say what to look for, with size and hash where they are known."""
        known = f" ({self.n_bytes:,} bytes, SHA-256 {self.sha256})" if self.sha256 else ""
        return f"the file {self.file_name!r}{known} from {self.url}"


_ENDING = "densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt"
WEIGHTS_FILES: dict[str, WeightsFile] = {
    file.extractor: file
    for file in (
        WeightsFile(
            "densenet121-res224-all",
            f"nih-pc-chex-mimic_ch-google-openi-kaggle-{_ENDING}",
            28_382_008,
            "56524913dd16a906422e8d8b66a7a5c46be1d82eb7ac012d8103776f1aa68899",
        ),
        WeightsFile("densenet121-res224-nih", f"nih-{_ENDING}"),
        WeightsFile("densenet121-res224-pc", f"pc-{_ENDING}"),
        WeightsFile("densenet121-res224-chex", f"chex-{_ENDING}"),
        WeightsFile("densenet121-res224-rsna", f"kaggle-{_ENDING}"),
        WeightsFile("densenet121-res224-mimic_nb", f"mimic_nb-{_ENDING}"),
        WeightsFile("densenet121-res224-mimic_ch", f"mimic_ch-{_ENDING}"),
    )
}
"""Official weights by extractor, as in ``torchxrayvision.models.model_urls``."""


def weights_folder() -> Path:
    """Give torchxrayvision's own folder of weights, so that one download serves both."""
    return Path("~/.torchxrayvision/models_data").expanduser()


def find_weights(name: str) -> Path | None:
    """Find the weights file of an extractor in torchxrayvision's folder, or None."""
    file = WEIGHTS_FILES.get(name)
    path = weights_folder() / file.file_name if file else None
    return path if path is not None and path.is_file() else None


def read_weights(
    name: str, *, weights: Path | None = None, on_progress: Progress | None = None
) -> tuple[bytes, Path]:
    """Read the bytes of an extractor's weights, downloading them if need be.

    Parameters
    ----------
    name : str
        A key of `WEIGHTS_FILES`.
    weights : Path, optional
        The file; by default the one in torchxrayvision's folder.
    on_progress : callable, optional
        Called with what is done, bytes so far and bytes in all.

    Raises
    ------
    WeightsError
        When the file is missing or cannot be read, or the download fails.
    """
    path = weights or find_weights(name) or _download(WEIGHTS_FILES[name], on_progress)
    try:
        return read_regular(path, max_bytes=MAX_BYTES), path
    except OSError as error:
        raise WeightsError(
            f"Weights file {str(path)!r} cannot be read: {describe_read_error(error)}. "
            f"Needed is {WEIGHTS_FILES[name].describe()}."
        ) from error


def download_weights(
    name: str,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Path:
    """Fetch an extractor's official weights, unless they are here.

    Parameters
    ----------
    name : str
        A key of `WEIGHTS_FILES`.
    on_progress : callable, optional
        Called with what is done, bytes so far and bytes in all.
    should_stop : callable, optional
        True ends the download; what came is kept for the next.

    Returns
    -------
    Path
        The file in torchxrayvision's folder.

    Raises
    ------
    SelectionError
        When no extractor of that name has weights.
    WeightsError
        When they cannot be had, or another file has their name.
    DownloadStoppedError
        When `should_stop` said so.
    """
    if name not in WEIGHTS_FILES:
        raise SelectionError(
            f"No extractor with weights is called {name!r}. There are: {', '.join(WEIGHTS_FILES)}."
        )
    file, path = WEIGHTS_FILES[name], find_weights(name)
    if path is None:
        return _download(file, on_progress, should_stop)
    found = hashlib.sha256(read_weights(name)[0]).hexdigest()
    if file.sha256 and found != file.sha256:
        raise WeightsError(
            f"{str(path)!r} has the name of the weights of {name!r} and SHA-256 {found}: it is "
            f"damaged or another file. Remove it, or name the right one with --weights FILE. "
            f"Needed is {file.describe()}."
        )
    return path


def _download(
    file: WeightsFile,
    on_progress: Progress | None,
    should_stop: ShouldStop | None = None,
) -> Path:
    """Download an official file whose hash is known, and check it before it gets its name."""
    target = weights_folder() / file.file_name
    if not file.sha256:
        raise WeightsError(
            f"The weights of {file.extractor!r} are not on this machine, and their hash is not "
            f"known, so they are not downloaded. Put {file.describe()} into "
            f"{str(target.parent)!r} or name it with --weights FILE; it is a pickle, so give its "
            "SHA-256 with --trust-sha256 if you trust it."
        )
    try:
        return Download(
            file.url, target, file.n_bytes, file.sha256, "weights", on_progress, should_stop
        ).run()
    except DownloadError as error:
        raise WeightsError(
            f"The weights of {file.extractor!r} are not on this machine and could not be "
            f"downloaded: {error.reason}. Put {file.describe()} into "
            f"{str(target.parent)!r}, or name it with --weights FILE. The extractors 'texture' "
            "and 'densenet121-untrained' need no weights."
        ) from error


def load_state(
    data: bytes,
    sha256: str,
    path: Path,
    *,
    extractor: str,
    trust_sha256: str | None = None,
) -> dict[str, "torch.Tensor"]:
    """Load the tensors of a network from the bytes of a weights file.

    Parameters
    ----------
    data : bytes
    sha256 : str
        Hash of the data.
    path : Path
        Where they came from, for messages.
    extractor : str
        A key of `WEIGHTS_FILES`: bytes of a known hash must be its own.
    trust_sha256 : str, optional
        Hash of a pickle that the user trusts.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    WeightsError
        When the file is damaged, something else, or a pickle that is not trusted.
    """
    trusted = _check_trust(sha256, path, extractor, trust_sha256)
    _check_start(data, path, WEIGHTS_FILES[extractor])
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old files: "TypedStorage is deprecated"
            # S614: full unpickling only of bytes whose hash is trusted.
            loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=not trusted)
    except _LOAD_ERRORS as error:
        raise WeightsError(_describe_refusal(data, sha256, path, extractor, trusted)) from error
    return _collect_tensors(loaded, path)


_LOAD_ERRORS = (
    UnpicklingError,
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ImportError,
    AssertionError,
    zipfile.BadZipFile,
)


def _check_trust(sha256: str, path: Path, extractor: str, trust_sha256: str | None) -> bool:
    """Tell whether bytes of this hash may be unpickled; raise where they are another's."""
    owner = next((f.extractor for f in WEIGHTS_FILES.values() if f.sha256 == sha256), None)
    if owner not in (None, extractor):
        raise WeightsError(
            f"Weights file {str(path)!r} holds the weights of {owner!r}, not of {extractor!r}: "
            "its outputs would get wrong names. Choose that extractor or another file."
        )
    if trust_sha256 is None:
        return owner is not None
    if not re.fullmatch(r"[0-9a-fA-F]{64}", trust_sha256):
        raise WeightsError(
            f"Hash {trust_sha256!r} is no SHA-256: give 64 hexadecimal digits, as sha256sum prints."
        )
    if trust_sha256.lower() != sha256:
        raise WeightsError(
            f"Weights file {str(path)!r} has SHA-256 {sha256}, not the trusted "
            f"{trust_sha256.lower()}: it was not opened. Get the right file."
        )
    return True


def _check_start(data: bytes, path: Path, file: WeightsFile) -> None:
    """Refuse what is plainly no weights file, in words that help."""
    start = data[:200].lstrip().lower()
    if not data:
        problem = "is empty"
    elif start.startswith((b"<!doctype", b"<html", b"<?xml")):
        problem = "is a web page: the download went wrong"
    elif start.startswith(b"version https://git-lfs"):
        problem = "is a Git LFS pointer, not the file itself"
    else:
        return
    raise WeightsError(f"Weights file {str(path)!r} {problem}. Needed is {file.describe()}.")


def _describe_refusal(data: bytes, sha256: str, path: Path, extractor: str, trusted: bool) -> str:
    file = WEIGHTS_FILES[extractor]
    found = f"Weights file {str(path)!r} ({len(data):,} bytes, SHA-256 {sha256})"
    if trusted:
        return f"{found} is trusted but cannot be loaded: it is no network of torchxrayvision."
    return (
        f"{found} is neither {extractor!r} as published nor a readable state dict: it is "
        f"damaged, cut short or a pickle, which is not opened unasked. Needed is "
        f"{file.describe()}. If you trust this file, pass its hash with --trust-sha256."
    )


def _collect_tensors(loaded: object, path: Path) -> dict[str, "torch.Tensor"]:
    """Take the tensors out of a state dict or an unpickled module, running none of its code."""
    import torch

    if isinstance(loaded, torch.nn.Module):
        return dict(_walk_module(loaded, ""))
    if isinstance(loaded, Mapping) and loaded:
        wrong = [k for k, v in loaded.items() if not isinstance(v, torch.Tensor)]
        if not wrong:
            return {str(name): tensor for name, tensor in loaded.items()}
        raise WeightsError(
            f"Weights file {str(path)!r} is no state dict: its entry {wrong[0]!r} is no tensor. "
            "Save network.state_dict() alone."
        )
    raise WeightsError(
        f"Weights file {str(path)!r} holds a {type(loaded).__name__}, not a state dict. "
        "Save network.state_dict()."
    )


def _walk_module(module: object, prefix: str) -> list[tuple[str, "torch.Tensor"]]:
    """List tensors by name from the bare attributes: modules saved by old torch lack newer ones."""
    fields = vars(module)
    tensors = {**fields.get("_parameters", {}), **fields.get("_buffers", {})}
    found = [(prefix + name, tensor) for name, tensor in tensors.items() if tensor is not None]
    for name, child in fields.get("_modules", {}).items():
        if child is not None:
            found += _walk_module(child, f"{prefix}{name}.")
    return found
