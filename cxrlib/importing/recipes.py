"""Named recipes: mappings of published collections that come with the program."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cxrlib.errors import CohortError
from cxrlib.importing.mapping import MAX_BYTES, Mapping, parse_mapping
from cxrlib.storage import read_regular
from cxrlib.system import describe_read_error

FOLDER = Path(__file__).with_name("recipes")


@dataclass(frozen=True)
class NamedMapping:
    """Hold a mapping with its name and text, for messages.

    Parameters
    ----------
    name : str
    text : str
        As TOML.
    mapping : Mapping
    """

    name: str
    text: str
    mapping: Mapping


def list_recipes() -> list[str]:
    """List the names of the recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def find_recipe(name: str) -> NamedMapping:
    """Find a recipe by name.

    Raises
    ------
    CohortError
        If there is none.
    """
    if name not in list_recipes():
        raise CohortError(f"There is no recipe {name!r}. There are: {', '.join(list_recipes())}.")
    text = (FOLDER / f"{name}.toml").read_text("utf-8")
    return NamedMapping(f"recipe {name}", text, parse_mapping(text, f"recipe {name}"))


def read_mapping(path: Path) -> NamedMapping:
    """Read a mapping file.

    Raises
    ------
    CohortError
        If it cannot be read, or is no mapping.
    """
    try:
        text = read_regular(path, max_bytes=MAX_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise CohortError(
            f"The mapping {str(path)!r} cannot be read: {describe_read_error(error)}."
        ) from error
    except UnicodeDecodeError as error:
        raise CohortError(
            f"The mapping {path.name!r} is not UTF-8 text: byte {error.start:,}. Save it as UTF-8."
        ) from error
    return NamedMapping(path.name, text, parse_mapping(text, path.name))
