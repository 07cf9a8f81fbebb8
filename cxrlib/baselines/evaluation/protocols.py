"""Protocols: how a model is trained and scored, as published and as corrected.

A protocol is named on every number, for the two give different ones from the same predictions.
"""

from dataclasses import dataclass
from typing import Literal

from cxrlib.baselines.evaluation.estimators import LINEAR, PAPER, spell_estimator
from cxrlib.baselines.evaluation.folds import GUARDS
from cxrlib.baselines.evaluation.groupings import name_group, parse_hold_out
from cxrlib.baselines.evaluation.intervals import FEWEST_IN_ALL, FEWEST_IN_CLASS
from cxrlib.baselines.evaluation.shortcut_removal import (
    MATCHABLE,
    describe_removal,
    describe_removal_method,
    spell_shortcuts,
)
from cxrlib.baselines.features import SHORTCUTS
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units


@dataclass(frozen=True)
class Protocol:
    """Hold how models are trained and scored.

    Parameters
    ----------
    name : str
    ranking : {"class", "value"}
        What AUROC and AUPRC are computed on: the predicted class, or what it is cut from.
    is_standardised : bool
        Whether features are standardised, by the training images of each fold.
    guards : tuple of {"person", "article", "source"}
        What training and test images must not share.
    fewest_persons : int
        A group with fewer in its smaller class has no score of its own.
    reduces : bool
        Whether linear models are given wide features as their row space; see
        `cxrlib.baselines.evaluation.models`.
    estimator : str
        Its default model, see `cxrlib.baselines.evaluation.estimators`. The paper's protocol
        takes no other.
    fewest_folds : int
        A mean of fewer groups is none.
    counts_constant : bool
        Whether the correlation of a constant prediction is 0, as printed in Tables 6, 8 and 9 of
        Cohen et al. 2020b, rather than not estimable.
    """

    name: str
    ranking: Literal["class", "value"]
    is_standardised: bool
    guards: tuple[str, ...]
    fewest_persons: int
    reduces: bool
    estimator: str = PAPER
    fewest_folds: int = 2
    counts_constant: bool = False

    def describe(self) -> tuple[str, ...]:
        """Describe this protocol in sentences."""
        on = {
            "class": "the predicted class, as in the paper",
            "value": "decision values",
        }
        kept = " and no ".join(self.guards)
        return (
            "Each group is held out once; all other images train, also those of unknown places.",
            f"AUROC and AUPRC are computed on {on[self.ranking]}.",
            "Features are standardised on the training images of each fold."
            if self.is_standardised
            else "Features are not scaled.",
            f"No {kept} is in both training and test."
            if self.guards
            else "Persons and articles may be in both training and test.",
            f"A group with fewer than {self.fewest_persons} persons in its smaller class has no "
            f"score, and a mean needs {self.fewest_folds} groups."
            if self.fewest_persons
            else "A group is scored with an image of each class, or three images for a number.",
        )


PUBLISHED = Protocol(
    name="published",
    ranking="class",
    is_standardised=False,
    guards=(),
    fewest_persons=0,
    reduces=False,
    fewest_folds=1,
    counts_constant=True,
)
"""As Cohen et al. 2020b and the notebooks published with it."""

CORRECTED = Protocol(
    name="corrected",
    ranking="value",
    is_standardised=True,
    guards=("person", "article"),
    fewest_persons=FEWEST_IN_CLASS,
    reduces=True,
    estimator=LINEAR,
)
"""As it should be done."""

PROTOCOLS = (PUBLISHED, CORRECTED)


def describe_too_few(n_persons: int, *, is_class: bool) -> str:
    """Say why a part of an evaluation has no score whatever its protocol, or nothing.

    Parameters
    ----------
    n_persons : int
        Of the smaller class; of numbers all.
    is_class : bool

    Examples
    --------
    >>> describe_too_few(4, is_class=True)
    '4 persons of the smaller class: not estimable below 5.'
    """
    needed, where = (FEWEST_IN_CLASS, " of the smaller class") if is_class else (FEWEST_IN_ALL, "")
    if n_persons >= needed:
        return ""
    return f"{format_units(n_persons, 'person')}{where}: not estimable below {needed}."


def find_protocol(name: str) -> Protocol:
    """Find a protocol by name.

    Raises
    ------
    SelectionError
        If there is none of this name.
    """
    for protocol in PROTOCOLS:
        if protocol.name == name:
            return protocol
    names = ", ".join(protocol.name for protocol in PROTOCOLS)
    raise SelectionError(f"There is no protocol {name[:60]!r}. There are {names}.")


@dataclass(frozen=True)
class LocoSettings:
    """Hold the settings of an evaluation.

    Parameters
    ----------
    protocol : Protocol
    hold_out : str
        "region", "sub-region", "country" or "source"; "column:NAME" for the values of a column,
        "persons:5" for parts of the persons and "persons:5x10" for ten dealings of them,
        "cohort:NAME" to test on one of two joined cohorts.
    is_strict : bool
        Whether training and test images must not share a site either.
    seed : int
        Of the resampling, and of models with chance in them.
    n_resamples : int
        Of persons, for intervals; 0 for none.
    estimator : str
        The model that is fitted, see `cxrlib.baselines.evaluation.estimators`; "" for the
        protocol's own, which is kept as "" by its name as well.
    erase : str
        Shortcuts whose linear trace is taken out of the features, joined by a plus; "" for none.
    match : str
        Shortcuts ("view", "source") on which the classes are matched; "" for none.

    Raises
    ------
    SelectionError
        If there is no such way to hold out, model or shortcut, a number is negative, or the
        published protocol is to fit another model than the paper's.
    """

    protocol: Protocol = CORRECTED
    hold_out: str = "region"
    is_strict: bool = False
    seed: int = 0
    n_resamples: int = 1000
    estimator: str = ""
    erase: str = ""
    match: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hold_out", parse_hold_out(self.hold_out).to_text())
        for name in ("seed", "n_resamples"):
            if getattr(self, name) < 0:
                raise SelectionError(
                    f"{name} is {getattr(self, name)}: it must be 0 or a positive whole number."
                )
        if self.estimator:
            object.__setattr__(self, "estimator", self._spell_estimator())
        object.__setattr__(self, "erase", spell_shortcuts(self.erase, SHORTCUTS, "erase"))
        object.__setattr__(self, "match", spell_shortcuts(self.match, MATCHABLE, "match"))

    def _spell_estimator(self) -> str:
        """Return the model in its one spelling, or refuse it."""
        name, own = spell_estimator(self.estimator), self.protocol.estimator
        if name != own and self.protocol.name == PUBLISHED.name:
            raise SelectionError(
                f"The published protocol fits the paper's models only, not {name[:60]!r}. Choose "
                f"the model {PAPER!r}, or the corrected protocol."
            )
        return "" if name == own else name

    @property
    def model(self) -> str:
        """The name of the model that is fitted, the protocol's own included."""
        return self.estimator or self.protocol.estimator

    @property
    def group(self) -> str:
        """Name one of what is held out in words: "region"."""
        return name_group(self.hold_out)

    @property
    def is_repeated(self) -> bool:
        """Whether persons are dealt into groups several times."""
        return parse_hold_out(self.hold_out).n_repeats > 1

    @property
    def removal(self) -> str:
        """What was taken away of the shortcuts, as a clause; "" where nothing was."""
        return describe_removal(self.erase, self.match)

    @property
    def removal_method(self) -> tuple[str, ...]:
        """How it was taken away, in sentences."""
        return describe_removal_method(self.erase, self.match)

    @property
    def guards(self) -> tuple[str, ...]:
        """Name the guards that are up, in the order in which they are applied."""
        chosen = {*self.protocol.guards, *(("source",) if self.is_strict else ())}
        return tuple(guard for guard in GUARDS if guard in chosen)
