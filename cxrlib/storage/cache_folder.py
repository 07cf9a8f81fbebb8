"""Where everything computed is kept when no folder is named."""

from pathlib import Path

from cxrlib.system import PACKAGE_FOLDER


def is_checkout(folder: Path = PACKAGE_FOLDER) -> bool:
    """Tell whether the library is used from its own checkout, not from an installed package.

    Parameters
    ----------
    folder : Path
        The folder that holds the package.
    """
    return (folder / "pyproject.toml").is_file() and (folder / "app.py").is_file()


def find_default_cache(folder: Path = PACKAGE_FOLDER) -> Path:
    """Find the folder of everything computed: ``cache/`` of a checkout, else the user's cache.

    Parameters
    ----------
    folder : Path
        The folder that holds the package.

    Returns
    -------
    Path
        Absolute; it need not exist yet.
    """
    if is_checkout(folder):
        return folder / "cache"
    from platformdirs import user_cache_path

    return user_cache_path("cxrlib", appauthor=False)
