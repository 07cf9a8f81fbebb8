"""What a run is: task, features, settings and filters, as an address and as a command line."""

import functools
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cxrlib.baselines.evaluation import (
    PROTOCOLS,
    LocoSettings,
    describe_estimator,
    describe_grouping,
    find_protocol,
    is_own,
    parse_hold_out,
    spell_estimator,
)
from cxrlib.baselines.features import FILE_ENDINGS, spell_set_name
from cxrlib.baselines.tasks import PAPER_TASKS, Task, read_task
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.selection import Selection, parse_where

QUERY_NAMES = (
    *("task", "features", "protocol", "hold_out", "strict", "seed", "resamples", "estimator"),
    *("erase", "match"),
)
"""Parameters of an address that hold a run, besides the filters'."""
DEFAULT_FEATURES = "outputs"
#: Records of before an estimator could be chosen hold the paper's.
FORMER_ESTIMATOR = "paper"
MAX_SEED = 2**32 - 1
MAX_RESAMPLES = 10_000
"""More take minutes and change no digit that is shown; an address must not start hours of work."""
LONGEST = 80  # signs of a value that a message repeats


@dataclass(frozen=True)
class RunSpec:
    """Hold what a run is asked for; the cohort, the features' numbers and versions make it unique.

    Parameters
    ----------
    task : Task
    features : str
        Name of a feature set, see `cxrlib.baselines.features.list_feature_sets`; for
        numbers from outside the file that the command line names, or any name. Kept in one
        spelling.
    settings : LocoSettings
    where : str
        Filters as on the command line; kept in one spelling.
    labels : str
        Name of the file of labels that was attached to the cohort; "" for none.

    Raises
    ------
    SelectionError
        If the filters are not understood, the name of the features is no UTF-8, or the protocol is
        none of `cxrlib.baselines.evaluation.PROTOCOLS`: no address and no command line
        could name it.
    """

    task: Task
    features: str
    settings: LocoSettings = LocoSettings()  # noqa: RUF009  (frozen)
    where: str = ""
    labels: str = ""

    def __post_init__(self) -> None:
        if self.settings.protocol not in PROTOCOLS:
            raise SelectionError(
                f"A run follows one of the protocols {', '.join(each.name for each in PROTOCOLS)} "
                f"unchanged, not {self.settings.protocol!r}. "
                "cxrlib.baselines.evaluation.run_loco takes any."
            )
        object.__setattr__(self, "features", spell_set_name(self.features))
        object.__setattr__(self, "where", parse_where(self.where).to_where())
        try:
            self.features.encode()
        except UnicodeEncodeError as error:
            raise SelectionError(
                f"The feature file's name {self.features!r} is not valid UTF-8. Rename the file."
            ) from error

    @property
    def selection(self) -> Selection:
        """The filters."""
        return parse_where(self.where)

    def to_query(self) -> dict[str, list[str]]:
        """Write the run as parameters of an address, filters included.

        All settings stand in it, so that a link means the same when a default changes.
        `urllib.parse.urlencode(query, doseq=True)` makes the address of it.
        """
        settings = self.settings
        values = (
            self.task.to_text(),
            self.features,
            settings.protocol.name,
            settings.hold_out,
            "yes" if settings.is_strict else "no",
            str(settings.seed),
            str(settings.n_resamples),
            settings.model,
            settings.erase,
            settings.match,
        )
        pairs = zip(QUERY_NAMES, values, strict=True)
        # Taking nothing away is no default that could change: it needs no place in an address.
        query = {name: [value] for name, value in pairs if value}
        return query | self.selection.to_query()

    @classmethod
    def from_query(
        cls, query: Mapping[str, str | Sequence[str]], cohort: Cohort
    ) -> tuple["RunSpec", list[str]]:
        """Read a run from the parameters of an address.

        Parameters
        ----------
        query : mapping
            Values by parameter; other parameters are passed over.
        cohort : Cohort
            Says which filter values there are.

        Returns
        -------
        spec : RunSpec
            With the defaults for what is not named or cannot be used.
        complaints : list of str
            What cannot be used, a sentence or two each.
        """
        complaints: list[str] = []
        texts = {name: _take_one(query, name, complaints) for name in QUERY_NAMES}
        settings = LocoSettings()
        for name, field, read in _SETTINGS:
            if texts[name] is not None:
                settings = _change(settings, field, read, str(texts[name]), complaints)
        asked = texts["task"]
        read_own = functools.partial(read_task, cohort=cohort)
        task = None if asked is None else _try(read_own, asked, complaints)
        selection, unknown = Selection.from_query(query, cohort)
        complaints += map(str, unknown)
        features = _read_features(texts["features"] or DEFAULT_FEATURES)
        return cls(task or PAPER_TASKS[0], features, settings, selection.to_where()), complaints

    def to_dict(self) -> dict[str, str | int | bool]:
        """Write the run as plain values, for records."""
        settings = self.settings
        return {
            "task": self.task.to_text(),
            "features": self.features,
            "protocol": settings.protocol.name,
            "hold_out": settings.hold_out,
            "is_strict": settings.is_strict,
            "seed": settings.seed,
            "n_resamples": settings.n_resamples,
            "estimator": settings.model,
            "erase": settings.erase,
            "match": settings.match,
            "where": self.where,
            **({"labels": self.labels} if self.labels else {}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunSpec":
        """Read a run from `to_dict`; raises SelectionError, KeyError or TypeError if it is none."""
        settings = LocoSettings(
            protocol=find_protocol(_check_type(values["protocol"], str)),
            hold_out=_read_hold_out(_check_type(values["hold_out"], str)),
            is_strict=_check_type(values["is_strict"], bool),
            seed=_check_type(values["seed"], int),
            n_resamples=_check_type(values["n_resamples"], int),
            estimator=_check_type(values.get("estimator", FORMER_ESTIMATOR), str),
            erase=_check_type(values.get("erase", ""), str),
            match=_check_type(values.get("match", ""), str),
        )
        features = _check_type(values["features"], str)
        task, where = (_check_type(values[name], str) for name in ("task", "where"))
        labels = _check_type(values.get("labels", ""), str)
        return cls(read_task(task), features, settings, where, labels)

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> Any:  # noqa: ANN401 (pydantic's)
        """Let a record that holds a run be read by `from_dict`."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls.from_dict)

    def to_command(self, data: str = "DIR") -> str:
        """Write the command line that repeats the run, ready for a POSIX shell.

        Parameters
        ----------
        data : str
            The cohort's folder.

        Returns
        -------
        str
            With an estimator of one's own, which no command line can name, a line of Python.

        Examples
        --------
        >>> from cxrlib.baselines.tasks.tasks import find_task
        >>> RunSpec(find_task("survival"), "outputs").to_command()
        'python -m cxrlib loco --data DIR --task survival --features outputs \
--model linear --protocol corrected --hold-out region --seed 0 --resamples 1000 --format json'
        """
        settings = self.settings
        if is_own(settings.model):
            return self._to_python(data)
        words = ["python", "-m", "cxrlib", "loco", "--data", data]
        words += ["--task", self.task.to_text(), "--features", self.features]
        words += ["--model", settings.model]
        words += ["--protocol", settings.protocol.name]
        # Two cohorts are joined by their folders, and the second is what is held out.
        is_joined = settings.hold_out.startswith("cohort:")
        words += ["--test-on", "DIR2"] if is_joined else ["--hold-out", settings.hold_out]
        words += ["--strict"] if settings.is_strict else []
        words += ["--erase", settings.erase] if settings.erase else []
        words += ["--match", settings.match] if settings.match else []
        words += ["--labels", self.labels] if self.labels else []
        words += ["--where", self.where] if self.where else []
        words += ["--seed", str(settings.seed), "--resamples", str(settings.n_resamples)]
        return shlex.join([*words, "--format", "json"])

    def _to_python(self, data: str) -> str:
        """Write the call that repeats a run with an estimator of one's own."""
        settings = self.settings
        options = {
            "protocol": settings.protocol.name,
            "hold_out": settings.hold_out,
            "strict": settings.is_strict,
            "where": self.where,
            "seed": settings.seed,
            "resamples": settings.n_resamples,
            **({"erase": settings.erase} if settings.erase else {}),
            **({"match": settings.match} if settings.match else {}),
        }
        more = ", ".join(f"{name}={value!r}" for name, value in options.items())
        return (
            f"cxrlib.evaluate_loco(cxrlib.load_cohort({data!r}), {self.task.to_text()!r}, "
            f"features={self.features!r}, estimator={self.describe_model()}, {more})"
        )

    def describe_model(self) -> str:
        """Describe the model that is fitted, as a clause.

        Examples
        --------
        >>> from cxrlib.baselines.tasks.tasks import find_task
        >>> RunSpec(find_task("survival"), "outputs").describe_model()
        'logistic regression, C chosen in training regions'
        """
        return describe_estimator(
            self.settings.model,
            task_kind=self.task.kind,
            feature_kind=self.features,
            hold_out=self.settings.hold_out,
        )


def _take_one(
    query: Mapping[str, str | Sequence[str]], name: str, complaints: list[str]
) -> str | None:
    """Take the one value of a parameter; None where there is none or there are several."""
    asked = query.get(name, [])
    values = [value for value in ([asked] if isinstance(asked, str) else asked) if value]
    if len(values) > 1:
        complaints.append(f"The link gives {name!r} {len(values)} times. Give it once.")
    return values[0] if len(values) == 1 else None


def _try(read: Any, text: str, complaints: list[str]) -> Any:  # noqa: ANN401 (any setting)
    """Read a value, or note what is wrong with it and return None."""
    try:
        return read(text)
    except SelectionError as error:
        complaints.append(str(error))
        return None


def _change(
    settings: LocoSettings,
    field: str,
    read: Any,  # noqa: ANN401 (any setting)
    text: str,
    complaints: list[str],
) -> LocoSettings:
    """Change a setting, or note why it cannot be and return the settings as they are."""
    changed = _try(lambda text: replace(settings, **{field: read(text)}), text, complaints)
    return settings if changed is None else changed


def _check_type(value: Any, kind: type) -> Any:  # noqa: ANN401 (any setting)
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _read_features(text: str) -> str:
    """Read a set's name; where an address was typed by hand its plus has become a blank.

    Only the names of files hold blanks.
    """
    is_file = text.casefold().endswith(FILE_ENDINGS)
    return text if is_file else "+".join(text.replace("+", " ").split())


# ---- settings from text


def _read_hold_out(text: str) -> str:
    return parse_hold_out(text).to_text()


def _read_strict(text: str) -> bool:
    return _choose("answer to strict", text, ("yes", "no")) == "yes"


def _choose(noun: str, text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise SelectionError(
            f"There is no {noun} {text[:LONGEST]!r}. There are {', '.join(choices)}."
        )
    return text


def _read_seed(text: str) -> int:
    return _read_whole("seed", text, 0, MAX_SEED)


def _read_resamples(text: str) -> int:
    return _read_whole("number of resamples", text, 0, MAX_RESAMPLES)


def _read_whole(noun: str, text: str, least: int, most: int) -> int:
    """Read a whole number in plain digits."""
    is_plain = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not is_plain or not least <= int(text) <= most:
        raise SelectionError(
            f"The {noun} {text[:LONGEST]!r} is not understood. Give a whole number from {least} "
            f"to {most:,}."
        )
    return int(text)


_SETTINGS = (
    ("protocol", "protocol", find_protocol),
    ("hold_out", "hold_out", _read_hold_out),
    ("strict", "is_strict", _read_strict),
    ("seed", "seed", _read_seed),
    ("resamples", "n_resamples", _read_resamples),
    ("erase", "erase", lambda text: replace(LocoSettings(), erase=text.replace(" ", "+")).erase),
    ("match", "match", lambda text: replace(LocoSettings(), match=text.replace(" ", "+")).match),
    ("estimator", "estimator", spell_estimator),  # last: a protocol may take one only
)


# ---- in words


def describe_spec(spec: RunSpec) -> str:
    """Name a run on one line, for lists: task, features, model, protocol, held out, filters.

    Examples
    --------
    >>> from cxrlib.baselines.tasks.tasks import find_task
    >>> describe_spec(RunSpec(find_task("icu-stay"), "outputs", where="view=AP"))
    'icu-stay; outputs; linear; corrected, by region; filters: View AP'
    """
    settings = spec.settings
    strict = ", strict" if settings.is_strict else ""
    seed = f", seed {settings.seed}" if settings.seed else ""
    removal = f", {settings.removal}" if settings.removal else ""
    grouping = describe_grouping(settings.hold_out)
    how = f"{settings.protocol.name}, {grouping}{strict}{removal}{seed}"
    filters = spec.selection.describe()
    filter_text = [f"filters: {', '.join(filters)}"] if filters else []
    labels = [f"labels of {spec.labels}"] if spec.labels else []
    what = (spec.task.to_text(), spec.features, settings.model, how)
    return "; ".join([*what, *labels, *filter_text])
