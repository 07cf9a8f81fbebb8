"""Whatever holds tables or arrays prints on one line."""

import dataclasses
import importlib
import pkgutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import cxrlib
from cxrlib.maps import MappedCohort
from cxrlib.short_repr import LONGEST_REPR, short_repr

LARGE = (
    np.zeros((1000, 100)),
    pd.DataFrame({"a": range(1000), "b": "x" * 1000}),
    pd.Series(range(1000)),
    "a line\n" * 1000,
    b"\0" * 100_000,
    tuple(f"image{i}.png" for i in range(1000)),
    {i: np.zeros(100) for i in range(1000)},
    (np.zeros(10_000), np.zeros(10_000)),
    None,
)


def list_classes():
    """List the public dataclasses of the library."""
    found = {}
    for module in pkgutil.walk_packages(cxrlib.__path__, "cxrlib."):
        if module.name.endswith("__main__"):
            continue
        for name, each in vars(importlib.import_module(module.name)).items():
            if dataclasses.is_dataclass(each) and isinstance(each, type) and name[0] != "_":
                found[f"{each.__module__}.{each.__qualname__}"] = each
    return found


CLASSES = list_classes()


def holds_large(each):
    """Tell whether a class has a field for a table, an array or a file's bytes."""
    types = " ".join(str(field.type) for field in dataclasses.fields(each))
    return any(word in types for word in ("DataFrame", "ndarray", "Series]", "bytes"))


@pytest.mark.parametrize("name", [name for name in CLASSES if holds_large(CLASSES[name])])
def test_classes_that_hold_tables_print_their_sizes(name):
    """None keeps the repr that dataclasses write, which prints every row."""
    generated = dataclasses.make_dataclass("Plain", ["a"]).__repr__.__code__.co_filename
    made = getattr(CLASSES[name].__repr__, "__wrapped__", CLASSES[name].__repr__)
    assert made.__code__.co_filename != generated


@pytest.mark.parametrize("name", [name for name in CLASSES if CLASSES[name].__repr__ is short_repr])
@pytest.mark.parametrize("value", LARGE, ids=lambda value: type(value).__name__)
def test_short_repr_fits_on_a_line(name, value):
    """Whatever a field holds, and all of them at once."""
    each = object.__new__(CLASSES[name])
    for field in dataclasses.fields(each):
        object.__setattr__(each, field.name, value)
    text = repr(each)
    assert len(text) <= LONGEST_REPR
    assert "\n" not in text
    assert text.startswith(f"{CLASSES[name].__qualname__}(")


def test_short_repr_says_how_much_there_is():
    """Sizes of what is large; short values as they are."""

    @dataclasses.dataclass
    class Scores:
        name: str
        table: pd.DataFrame
        draws: np.ndarray
        names: tuple[str, ...]
        inner: object
        hidden: str = dataclasses.field(default="secret", repr=False)
        __repr__ = short_repr

    inner = Scores("in", pd.DataFrame(), np.zeros(3), ("a",), None)
    text = repr(Scores("icu", LARGE[1], LARGE[0], LARGE[5], inner))
    assert "name='icu', table=<DataFrame of 1,000 x 2>, draws=<ndarray of 1,000 x 100>" in text
    assert "names=<tuple of 1,000>" in text
    assert "secret" not in text


def test_mapped_cohort_prints_its_counts():
    """One line in place of a cohort's tables."""
    cohort = SimpleNamespace(name="c", n_images=866)
    embeddings = SimpleNamespace(info=SimpleNamespace(key="texture-v1"))
    mapped = MappedCohort(cohort, SimpleNamespace(n_images=697), embeddings, None)
    assert repr(mapped) == "MappedCohort('c', 697 of 866 images, 'texture-v1')"
