"""The cohorts of a server, each under a short name for links.

A link carries such a name and never a path, so no visitor can ask for a folder that the server was
not started with.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cxrlib.errors import SelectionError

DEMO_SLUG = "demo"
DEMO_TITLE = "Demo (synthetic)"
COLLECTION = "collection"
"""Folder in the cache of the public collection, once it was fetched from the data page."""
MAX_SLUG = 40  # signs


@dataclass(frozen=True)
class CohortEntry:
    """Describe a cohort that the server may show.

    Parameters
    ----------
    slug : str
        Its name in addresses: lower-case letters, digits and hyphens.
    title : str
        Its name on screen before it is loaded: the folder's name.
    path : Path
    is_demo : bool
        Whether it is the built-in synthetic cohort, which is generated where it is not there.
    """

    slug: str
    title: str
    path: Path
    is_demo: bool = False


def list_entries(paths: Sequence[Path], demo: Path) -> tuple[CohortEntry, ...]:
    """Give every cohort a slug; the demo is always among them, last unless it was named.

    Parameters
    ----------
    paths : sequence of Path
        The cohorts the server was started with, the first being shown first. One that is
        named twice counts once.
    demo : Path
        Where the demo lies, or will lie once it is generated.

    Examples
    --------
    >>> [entry.slug for entry in list_entries([Path("/a/My X-rays"), Path("/b/my x-rays")],
    ...                                       Path("/cache/demo"))]
    ['my-x-rays', 'my-x-rays-2', 'demo']
    """
    entries: list[CohortEntry] = []
    taken = {DEMO_SLUG}
    named = list(dict.fromkeys(path.expanduser().absolute() for path in paths))
    if not any(_is_same(path, demo) for path in named):
        named.append(demo)
    for path in named:
        if _is_same(path, demo):
            entries.append(CohortEntry(DEMO_SLUG, DEMO_TITLE, path, is_demo=True))
            continue
        slug = _make_slug(path.resolve().name, taken)
        taken.add(slug)
        entries.append(CohortEntry(slug, path.resolve().name or str(path), path))
    return tuple(entries)


def find_entry(entries: Iterable[CohortEntry], slug: str) -> CohortEntry:
    """Find a cohort by its slug.

    Raises
    ------
    SelectionError
        If no cohort has it; the message lists those there are.
    """
    known = {entry.slug: entry for entry in entries}
    if slug not in known:
        raise SelectionError(
            f"There is no cohort {slug[:60]!r} on this server. It has {', '.join(known)}."
        )
    return known[slug]


def split_paths(text: str) -> list[Path]:
    """Split what ``CXR_DATA`` holds: paths joined as in ``PATH``."""
    return [Path(part) for part in text.split(os.pathsep) if part]


def join_paths(paths: Iterable[Path]) -> str:
    """Join paths for ``CXR_DATA``.

    Raises
    ------
    SelectionError
        If a path holds the sign that joins them.
    """
    texts = [str(path) for path in paths]
    for text in texts:
        if os.pathsep in text:
            raise SelectionError(
                f"The cohort folder {text!r} has {os.pathsep!r} in its path, which separates "
                "folders here. Rename it, or give a link to it under another name."
            )
    return os.pathsep.join(texts)


def _make_slug(name: str, taken: Iterable[str]) -> str:
    """Make a slug of a folder's name that no other cohort has."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_SLUG].rstrip("-") or "cohort"
    slug, number = base, 2
    while slug in taken:
        slug, number = f"{base}-{number}", number + 1
    return slug


def _is_same(path: Path, other: Path) -> bool:
    return path.resolve() == other.resolve()
