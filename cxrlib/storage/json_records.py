"""JSON records that anyone may have written: each field is checked before anything reads it.

A record is a frozen dataclass, and its annotations are the rule: no text is taken for a number, no
number that is infinite or beyond its limits, no half of a surrogate pair that no screen can show.
Fields that are not known are passed over.
"""

import functools
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from annotated_types import Interval

JSON = Any
"""What JSON can hold: None, bool, int, float, str, list and dict of str."""
Record = TypeVar("Record")

# 2**53: what JSON can hold exactly everywhere.
Count = Annotated[int, Interval(ge=0, le=2**53)]
Quantity = Annotated[float, Interval(ge=0, le=2**53)]
#: What a record's class names ``__pydantic_config__``.
FINITE = {"allow_inf_nan": False}


def parse_json(kind: Callable[..., Record], data: bytes) -> Record:
    """Read a record of a kind from JSON.

    Raises
    ------
    ValueError
        With a clause on the first thing that is wrong: which field, its value, what it should be.
    """
    from pydantic import ValidationError

    try:
        return _choose_checker(kind).validate_json(data, strict=True)
    except ValidationError as error:
        raise ValueError(_describe(error)) from error


@functools.cache
def _choose_checker(kind: Any) -> Any:  # noqa: ANN401 (pydantic is imported late: 0.1 s)
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _describe(error: Any) -> str:  # noqa: ANN401
    first = error.errors(include_url=False)[0]
    words = first["msg"][:1].lower() + first["msg"][1:]
    if not first["loc"]:
        return words
    place = ".".join(map(str, first["loc"]))
    value = "missing" if first["type"] == "missing" else repr(first["input"])
    return f"its {place[:80]!r} is {value[:40]}: {words}"
