"""Measures: the shares in which groups of a cohort are described or compared.

A measure is a question with yes or no, such as "view PA" or "survived". Each says of whom the
answer is known, since a share is taken of these only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import UNKNOWN, Cohort
from cxrlib.errors import SelectionError
from cxrlib.summary.groupings import GROUPINGS, part_images
from cxrlib.summary.units import MALE, NO, YES, Units, read_images

VARIABLES = {
    "age": "Age (years)",
    "sex": "Sex",
    "view": "View",
    "region": "Region",
    "source": "Source",
    "covid": "Finding",
    "survival": "Survived",
    "went_icu": "Ever in ICU",
    "intubated": "Intubated",
    "in_icu": "In ICU at any image",
    "intubation_present": "Intubated at any image",
    "RT_PCR_positive": "RT-PCR positive",
}
"""Variables that describe groups, and their titles."""
TITLES = {**VARIABLES, "state": "State"}
"""These, and those of single images, which are compared only where named."""

MOST_VALUES = 6  # sources with a line of their own
# What changes from image to image: of a patient any image counts, not the first one.
DATED = ("in_icu", "intubation_present")


@dataclass(frozen=True)
class Measure:
    """Hold a question and the answers of all units.

    Parameters
    ----------
    variable, value, title : str
        "view", "PA", "View".
    is_yes, is_known : ndarray of bool, shape (n_units,)
    """

    variable: str
    value: str
    title: str
    is_yes: np.ndarray
    is_known: np.ndarray

    @property
    def is_one_sided(self) -> bool:
        """Whether no is never recorded, so that a share of yes has no meaning.

        The collection records only positive RT-PCR tests.
        """
        return self.variable == "RT_PCR_positive" and not (self.is_known & ~self.is_yes).any()


def list_measures(
    cohort: Cohort, units: Units, variables: tuple[str, ...] = tuple(VARIABLES)
) -> list[Measure]:
    """List the shares of some variables; ages are no share and passed over.

    Parameters
    ----------
    cohort : Cohort
    units : Units
        Of this cohort.
    variables : tuple of str
        Of `TITLES`. Of the state there are the share of bad among images of known state, and
        the share of images whose state is known.

    Returns
    -------
    list of Measure
        Of views, regions and sources one a value, in the order to show. Someone with images
        in two views has both. Of the sources only the most frequent ones.

    Raises
    ------
    SelectionError
        If there is no such variable.
    """
    measures: list[Measure] = []
    for variable in variables:
        if variable not in TITLES:
            raise SelectionError(
                f"There is no variable {variable[:60]!r}. There are {', '.join(TITLES)}."
            )
        title = TITLES[variable]
        if variable in GROUPINGS:
            measures += _list_values(cohort, units, variable)
        elif variable == "sex":
            sex = units.codes["sex"]
            measures.append(Measure("sex", "male", title, sex == MALE, sex >= 0))
        elif variable == "state":
            measures += _list_states(cohort, units)
        elif variable in DATED:
            answers = read_images(cohort).codes[variable]
            yes, no = (units.have_any(answers == answer) for answer in (YES, NO))
            measures.append(Measure(variable, "yes", title, yes, yes | no))
        elif variable != "age":
            answers = units.codes[variable]
            value = "COVID-19" if variable == "covid" else "yes"
            known = (answers == YES) | (answers == NO)
            measures.append(Measure(variable, value, title, answers == YES, known))
    return measures


def _list_states(cohort: Cohort, units: Units) -> Iterator[Measure]:
    """List how many states are recorded, and how many of these are in ICU or intubated."""
    states = read_images(cohort).table["state"]
    bad, good = (
        units.have_any(states.eq(state).to_numpy(dtype=bool, na_value=False))
        for state in ("bad", "good")
    )
    everything = np.ones(len(units.group), dtype=bool)
    yield Measure("state", "in ICU or intubated, where recorded", TITLES["state"], bad, bad | good)
    yield Measure("state", "recorded", TITLES["state"], bad | good, everything)


def explain_sources(cohort: Cohort, variables: tuple[str, ...] = tuple(VARIABLES)) -> str:
    """Describe how many sources have no line of their own; "" where all have one.

    Parameters
    ----------
    cohort : Cohort
    variables : tuple of str
        As in `list_measures`: without "source" there is nothing to say.
    """
    sources = part_images(read_images(cohort).table, "source").labels["row"]
    n_sources = int((sources != NOT_RECORDED).sum())
    if "source" not in variables or n_sources <= MOST_VALUES:
        return ""
    return f"Only the {MOST_VALUES} largest of {n_sources} sources are listed."


def _list_values(cohort: Cohort, units: Units, variable: str) -> Iterator[Measure]:
    """List the values of a grouping; the one that says "not recorded" is none."""
    groups = part_images(read_images(cohort).table, variable)
    names = groups.labels["row"].tolist()
    blank = [name in (UNKNOWN, NOT_RECORDED) for name in names]
    known = ~np.array(blank, dtype=bool)[groups.codes]
    has_any = units.have_any(known)
    values = [i for i, is_blank in enumerate(blank) if not is_blank]
    for i in values[:MOST_VALUES] if variable == "source" else values:
        has_value = units.have_any(groups.codes == i)
        if has_value.any():  # in any of the groups that are compared
            yield Measure(variable, names[i], VARIABLES[variable], has_value, has_any)
