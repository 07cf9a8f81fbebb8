"""The exception tree.

- CxrError
  - CohortError
  - SelectionError
  - ImageError
  - WeightsError
  - DownloadError
  - DownloadStoppedError
  - StoreError
  - ProjectionError
  - ReportError
  - RunStoppedError
  - TokenError

A message is one or two full sentences: what was wrong with which value, what would be
right, and what to do next. Pages and the command line show it as it stands.
"""

from pathlib import Path

__all__ = [
    "CohortError",
    "CxrError",
    "DownloadError",
    "DownloadStoppedError",
    "ImageError",
    "ProjectionError",
    "ReportError",
    "RunStoppedError",
    "SelectionError",
    "StoreError",
    "TokenError",
    "WeightsError",
]


class CxrError(Exception):
    """Report something the user can mend; the base of all errors of this library."""


class CohortError(CxrError):
    """Report a cohort folder, or a file in it, that cannot be used as a whole."""


class SelectionError(CxrError):
    """Report an id, name or value that was asked for and does not exist."""


class ImageError(CxrError):
    """Report one image file that cannot be used.

    Parameters
    ----------
    path : Path
        The file, as it was asked for.
    reason : str
        Why it cannot be used, as a clause: ``"the file is empty"``.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"Image {path.name!r} cannot be used: {reason}.")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type["ImageError"], tuple[Path, str]]:
        """Survive the trip out of a worker process."""
        return type(self), (self.path, self.reason)


class WeightsError(CxrError):
    """Report network weights that are missing, unknown or do not fit."""


class DownloadError(CxrError):
    """Report a file that could not be downloaded.

    Parameters
    ----------
    url : str
        The address, as it was asked for.
    reason : str
        Why it could not be had, as a clause: ``"the server answers 404 Not Found"``.
    """

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url!r} could not be downloaded: {reason}.")
        self.url = url
        self.reason = reason


class DownloadStoppedError(CxrError):
    """Report a download that was stopped on purpose; what came is kept."""


class StoreError(CxrError):
    """Report a cache folder that cannot be read or written."""


class ProjectionError(CxrError):
    """Report a map that cannot be made from the images and settings given."""


class ReportError(CxrError):
    """Report a figure or table that cannot be written."""


class RunStoppedError(CxrError):
    """Report an evaluation that was stopped on purpose."""


class TokenError(CxrError):
    """Report an address that was not signed by this server, or is too old."""
