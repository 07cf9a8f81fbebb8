"""Our scores compared with the printed ones: what agrees, what differs, what is not comparable.

The rule is that of `cxrlib.summary.paper_comparison`. A score rests on the images that are tested
and on those that the model learnt from, so a number is called a *difference* only where the
classes of the held-out region and of the whole task are as many as the paper's; elsewhere it is of
a *different cohort*. Counts that agree are a necessary sign, not a proof: as many images can be
other images.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from cxrlib.literature import (
    DECIMALS,
    MEAN,
    PUBLISHED_TASKS,
    ClassCounts,
    PublishedScore,
    PublishedTask,
    add_up_counts,
    find_scores,
)
from cxrlib.summary import VERDICTS

if TYPE_CHECKING:
    from cxrlib.baselines.evaluation.loco_result import LocoResult
    from cxrlib.baselines.tasks import TaskRows

AGREES, DIFFERENCE, DIFFERENT_COHORT = VERDICTS
NOT_COMPARABLE, NOT_RUN = "not comparable", "not run"
SCORE_VERDICTS = (*VERDICTS, NOT_COMPARABLE, NOT_RUN)
"""What is said of a pair of scores; the first three as of counts."""

WHOLE = "whole task"
"""The line of all images of a task, tested or not, in `compare_class_counts`."""

PAPER_SCORE_COLUMNS = (
    *("table", "task", "features", "fold", "metric", "decimals"),
    *("paper", "paper_sd", "ours", "ours_sd"),
    *("n_images_paper", "n_positive_paper", "n_negative_paper"),
    *("n_images_ours", "n_positive_ours", "n_negative_ours"),
    *("n_task_images_paper", "n_task_positive_paper", "n_task_negative_paper"),
    *("n_task_images_ours", "n_task_positive_ours", "n_task_negative_ours"),
    *("same_counts", "verdict", "explanation"),
)
"""Columns of `compare_scores`."""

COUNT_COLUMNS = (
    *("task", "region", "n_images_paper", "n_positive_paper", "n_negative_paper"),
    *("n_images_ours", "n_positive_ours", "n_negative_ours", "same_counts"),
)
"""Columns of `compare_class_counts`."""

HALF = 0.5 * 10.0**-DECIMALS + 1e-9


class _Score(NamedTuple):
    """Hold a score of ours, with that of each seed; the reason says why there is none."""

    value: float = math.nan
    sd: float = math.nan
    reason: str = ""
    seeds: tuple[float, ...] = ()


class _Ours(NamedTuple):
    """Hold what stands on our side: counts of images, which regions were tested, scores.

    ``refusal`` is a verdict that holds for all scores with its explanation, or None.
    """

    whole: ClassCounts
    regions: Mapping[str, ClassCounts]
    tested: Collection[str]
    scores: Mapping[tuple[str, str], _Score]
    refusal: tuple[str, str] | None
    is_synthetic: bool

    def count_test(self, fold: str) -> ClassCounts:
        """Count the images tested in a region, or in all for the mean."""
        if fold != MEAN:
            return self.regions.get(fold, _count_none(self.whole))
        return add_up_counts(
            [_count_none(self.whole), *(self.regions[region] for region in self.tested)]
        )


def compare_scores(result: "LocoResult") -> pd.DataFrame:
    """Put each published score beside ours of the same task, features, region and metric.

    Parameters
    ----------
    result : LocoResult
        Of any task, features and protocol. Where the paper prints nothing (a task of the
        reader's own, other features, sources held out) the table is empty.

    Returns
    -------
    DataFrame
        `PAPER_SCORE_COLUMNS`, a line a printed score in the paper's order, the mean first. A line
        of pixels by region has the means of three seeds, and agrees if each seed does.
        ``paper_sd`` and ``ours_sd`` are of means. Counts are images: of the region (for the mean
        of all that are tested) and of the whole task; classes are missing where there are none.
        ``same_counts`` says whether those of the region (of each, for the mean) and of the task
        are the paper's. ``verdict`` is one of `SCORE_VERDICTS`: under another protocol than the
        published one a score measures something else and is not comparable.
    """
    task = result.rows.task
    if not task.is_published or result.settings.hold_out != "region":
        return _frame([])
    table = result.rows.table
    used = table[table["image_id"].isin(set(result.features.image_ids))]
    folds = result.folds
    ours = _Ours(
        whole=_count(used, PUBLISHED_TASKS[task.name]),
        regions=_count_regions(used, PUBLISHED_TASKS[task.name]),
        tested=[str(fold) for fold in folds.loc[folds["is_scored"].astype(bool), "fold"]],
        scores=_index_scores(result),
        refusal=_refuse_protocol(result),
        is_synthetic=result.rows.cohort.is_synthetic,
    )
    return _compare_all(task.name, result.features.name, ours)


def list_not_run(rows: "TaskRows", features: str, reason: str) -> pd.DataFrame:
    """List the printed scores of a task and feature set that cannot be computed here.

    Parameters
    ----------
    rows : TaskRows
        Of a task of the paper: the images there are stand beside the paper's all the same.
    features : str
        A feature set of the paper, by our name.
    reason : str
        Why nothing ran, and what to do, in full sentences.

    Returns
    -------
    DataFrame
        As from `compare_scores`.
    """
    task = PUBLISHED_TASKS[rows.task.name]
    regions = _count_regions(rows.table, task)
    ours = _Ours(
        whole=_count(rows.table, task),
        regions=regions,
        tested=[region for region in task.tests if region in regions],
        scores={},
        refusal=(NOT_RUN, reason),
        is_synthetic=rows.cohort.is_synthetic,
    )
    return _compare_all(task.name, features, ours)


def compare_class_counts(every: Iterable["TaskRows"]) -> pd.DataFrame:
    """Put the classes of tasks and their regions beside the paper's, in images.

    Parameters
    ----------
    every : iterable of TaskRows
        Of tasks of the paper.

    Returns
    -------
    DataFrame
        `COUNT_COLUMNS`: of each task `WHOLE` first, then the regions that the paper tests, then
        the others that there are, which the paper does not print.
    """
    lines = []
    for rows in every:
        task = PUBLISHED_TASKS[rows.task.name]
        own = {WHOLE: _count(rows.table, task), **_count_regions(rows.table, task)}
        paper = {WHOLE: task.whole, **task.tests}
        for region in dict.fromkeys([*paper, *own]):
            ours = own.get(region, _count_none(task.whole))
            lines.append(
                {"task": task.name, "region": region}
                | _make_count_columns(paper.get(region), "n_", "paper")
                | _make_count_columns(ours, "n_", "ours")
                | {"same_counts": ours == paper.get(region)}
            )
    return _type_counts(pd.DataFrame(lines, columns=list(COUNT_COLUMNS)))


def count_score_verdicts(comparison: pd.DataFrame) -> dict[str, int]:
    """Count the scores of each verdict, those without any as 0."""
    counts = comparison["verdict"].value_counts()
    return {verdict: int(counts.get(verdict, 0)) for verdict in SCORE_VERDICTS}


def describe_score_comparison(comparison: pd.DataFrame) -> str:
    """Describe in a sentence how many printed scores agree.

    Examples
    --------
    >>> verdicts = {"verdict": ["agrees", "not run"], "same_counts": [True, False]}
    >>> describe_score_comparison(pd.DataFrame(verdicts))
    '1 of 2 printed scores agrees (1 with equal counts), 0 differ despite equal counts, ...'
    """
    counts = count_score_verdicts(comparison)
    n_same = int((comparison["same_counts"] & (comparison["verdict"] == AGREES)).sum())
    words = [
        f"{counts[AGREES]:,} of {len(comparison):,} printed scores "
        f"{'agrees' if counts[AGREES] == 1 else 'agree'} ({n_same:,} with equal counts)",
        f"{_inflect(counts[DIFFERENCE], 'differs', 'differ')} despite equal counts",
        f"{_inflect(counts[DIFFERENT_COHORT], 'comes', 'come')} from a different cohort",
    ]
    if counts[NOT_COMPARABLE]:
        words.append(f"{_inflect(counts[NOT_COMPARABLE], 'is', 'are')} not comparable")
    if counts[NOT_RUN]:
        words.append(f"{_inflect(counts[NOT_RUN], 'was', 'were')} not run")
    return f"{', '.join(words)}."


def _inflect(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


# ---- counts


def _count(table: pd.DataFrame, task: PublishedTask) -> ClassCounts:
    """Count images by class; without classes where the task predicts a number."""
    if task.whole.n_positive is None:
        return ClassCounts(len(table))
    n_positive = int((table["y"] == 1).sum())
    return ClassCounts(len(table), n_positive, len(table) - n_positive)


def _count_none(like: ClassCounts) -> ClassCounts:
    """Count no image, by class where the other does."""
    return ClassCounts(0) if like.n_positive is None else ClassCounts(0, 0, 0)


def _count_regions(table: pd.DataFrame, task: PublishedTask) -> dict[str, ClassCounts]:
    return {str(region): _count(part, task) for region, part in table.groupby("region")}


def _make_count_columns(counts: ClassCounts | None, start: str, whose: str) -> dict[str, object]:
    """Lay counts out as columns; missing where they are not known."""
    values: tuple[int | None, ...] = (None, None, None)
    if counts is not None:
        values = (counts.n_images, counts.n_positive, counts.n_negative)
    names = ("images", "positive", "negative")
    return {
        f"{start}{name}_{whose}": pd.NA if value is None else value
        for name, value in zip(names, values, strict=True)
    }


def _type_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Make columns of counts whole numbers that can be missing."""
    return table.astype({name: "Int64" for name in table.columns if name.startswith("n_")})


# ---- scores


def _refuse_protocol(result: "LocoResult") -> tuple[str, str] | None:
    """Say why scores of another protocol cannot be set against printed ones."""
    from cxrlib.baselines.evaluation.protocols import PUBLISHED

    settings = result.settings
    if settings.protocol == PUBLISHED and not settings.is_strict and not settings.removal:
        return None
    ranked = "on the predicted class, as printed"
    if settings.protocol.ranking == "value":
        ranked = "on decision values, the printed ones on the predicted class"
    strict = ", with each source in training or in test" if settings.is_strict else ""
    strict += f", {settings.removal}" if settings.removal else ""
    return (
        NOT_COMPARABLE,
        f"Our score is of the model {settings.model!r} and follows the protocol "
        f"{settings.protocol.name!r}{strict}, the printed one the published protocol. Our AUROC "
        f"and AUPRC are computed {ranked}.",
    )


def _compare_all(task_name: str, features: str, ours: _Ours) -> pd.DataFrame:
    """Compare all printed scores of a task and feature set."""
    task = PUBLISHED_TASKS[task_name]
    return _frame(
        [
            _compare(task, printed, seeds, ours)
            for printed, seeds in _average_seeds(find_scores(task_name, features=features))
        ]
    )


def _frame(lines: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(lines, columns=list(PAPER_SCORE_COLUMNS))
    return _type_counts(table).astype({"same_counts": bool})


def _index_scores(result: "LocoResult") -> dict[tuple[str, str], _Score]:
    """Map fold and metric to our score."""
    from cxrlib.baselines.evaluation.loco import score_seeds

    seeds: dict[tuple[str, str], tuple[float, ...]] = {}
    if result.features.kind == "pixels":
        by_seed = score_seeds(result).groupby(["fold", "metric"])["value"]
        seeds = {(str(fold), str(metric)): tuple(group) for (fold, metric), group in by_seed}
    records: list[Any] = result.scores.to_dict("records")
    keys = [(str(each["fold"]), str(each["metric"])) for each in records]
    return {
        key: _Score(
            float(each["value"]), float(each["sd"]), str(each["reason"]), seeds.get(key, ())
        )
        for key, each in zip(keys, records, strict=True)
    }


def _average_seeds(
    scores: Iterable[PublishedScore],
) -> list[tuple[PublishedScore, tuple[float, ...]]]:
    """Make one score of the three seeds of pixels, with what is printed of each."""
    found: dict[tuple[str, str], list[PublishedScore]] = {}
    for score in scores:
        found.setdefault((score.fold, score.metric), []).append(score)
    averaged = []
    for first, *rest in found.values():
        values = tuple(score.value for score in (first, *rest))
        seeds = values if rest else ()
        averaged.append((replace(first, value=fmean(values), seed=None), seeds))
    return averaged


def _compare(
    task: PublishedTask, printed: PublishedScore, seeds: tuple[float, ...], ours: _Ours
) -> dict[str, Any]:
    """Judge one score."""
    score = ours.scores.get((printed.fold, printed.metric), _Score())
    same_counts = _has_same_counts(task, printed.fold, ours)
    is_equal = _is_equal(printed, seeds, score) and not ours.is_synthetic
    verdict = AGREES if is_equal else DIFFERENCE if same_counts else DIFFERENT_COHORT
    if ours.refusal is not None:
        verdict = ours.refusal[0]
    texts = [
        _describe_verdict(task, printed, verdict, same_counts, ours),
        _describe_seeds(seeds, score),
    ]
    texts.append(_describe_hits(printed))
    if ours.refusal is None:
        texts += [score.reason if math.isnan(score.value) else "", _describe_constant(printed)]
        texts += [_describe_regions(task, printed, ours)] if printed.fold == MEAN else []
    test = ours.count_test(printed.fold)
    return {
        "table": printed.table,
        "task": printed.task,
        "features": printed.features,
        "fold": printed.fold,
        "metric": printed.metric,
        "decimals": DECIMALS,
        "paper": printed.value,
        "paper_sd": math.nan if printed.sd is None else printed.sd,
        "ours": score.value,
        "ours_sd": math.nan if printed.sd is None else score.sd,
        **_make_count_columns(printed.test, "n_", "paper"),
        **_make_count_columns(test, "n_", "ours"),
        **_make_count_columns(task.whole, "n_task_", "paper"),
        **_make_count_columns(ours.whole, "n_task_", "ours"),
        "same_counts": same_counts,
        "verdict": verdict,
        "explanation": " ".join(text for text in texts if text),
    }


def _has_same_counts(task: PublishedTask, fold: str, ours: _Ours) -> bool:
    """Tell whether the images of a fold and of the task are as many, class by class."""
    if ours.is_synthetic or ours.whole != task.whole:
        return False
    if fold != MEAN:
        return ours.regions.get(fold) == task.tests[fold]
    tests = {region: ours.regions[region] for region in ours.tested}
    return tests == dict(task.tests)


def _is_equal(printed: PublishedScore, seeds: tuple[float, ...], score: _Score) -> bool:
    """Tell whether ours, printed with as many decimals, could be the paper's.

    Of a mean its deviation must be so too, and of seeds each, in whatever order: the paper does
    not name them. A number half-way between two printed ones may be rounded to either.
    """
    if seeds:
        if len(seeds) != len(score.seeds):
            return False
        pairs = list(zip(sorted(seeds), sorted(score.seeds), strict=True))
    else:
        pairs = [(printed.value, score.value)]
    if printed.sd is not None:
        pairs.append((printed.sd, score.sd))
    return all(abs(own - paper) <= HALF for paper, own in pairs)  # False of NaN


def _describe_seeds(printed: tuple[float, ...], score: _Score) -> str:
    """Tell the scores behind a mean of seeds."""
    if not printed:
        return ""
    texts = [f"{_list_values(printed)} in the paper"]
    texts += [f"{_list_values(score.seeds)} here"] if score.seeds else []
    return f"By seed {', '.join(texts)}; the scores are their means."


def _list_values(values: tuple[float, ...]) -> str:
    *most, last = [f"{value:.{DECIMALS}f}" for value in values]
    return f"{', '.join(most)} and {last}"


def _describe_verdict(
    task: PublishedTask, printed: PublishedScore, verdict: str, same_counts: bool, ours: _Ours
) -> str:
    """Say what the verdict rests on; nothing where number and counts agree."""
    if ours.refusal is not None:
        return ours.refusal[1]
    if ours.is_synthetic:
        return "Synthetic cohort: it has no patient of the paper."
    if verdict == DIFFERENCE:
        return (
            "The counts agree but the score does not. Possible causes: code, library versions, "
            "weights, metadata, the paper."
        )
    if same_counts:
        return ""
    start = "Equal, although the cohorts differ: " if verdict == AGREES else ""
    own = ours.count_test(printed.fold)
    where = "tested" if printed.fold == MEAN else f"in {printed.fold}"
    tested = f"{printed.test.describe()} {where} in the paper, {own.describe()} here"
    whole = f"{task.whole.describe()} in the whole task, {ours.whole.describe()} here"
    if own == printed.test:
        tested = f"same number {where} ({own.describe()})"
    return f"{start}{tested}; {whole}." if start else f"{_capitalise(tested)}; {whole}."


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def _describe_constant(printed: PublishedScore) -> str:
    """Say what stands where there is nothing to compute."""
    if printed.features != "prevalence" or printed.metric != "correlation":
        return ""
    return "A constant has no correlation; it counts as 0.00, as printed."


def _describe_hits(printed: PublishedScore) -> str:
    """Say what a printed cell of predicted classes tells of them, where it tells one thing."""
    counts = printed.test
    cell = find_scores(printed.task, features=printed.features, fold=printed.fold)
    is_cell = len(cell) == len(("auroc", "auprc"))  # of pixels there are three
    if printed.fold == MEAN or not is_cell or not counts.n_positive or not counts.n_negative:
        return ""
    scores = {score.metric: score.value for score in cell}
    found = list_confusions(
        counts.n_positive, counts.n_negative, auroc=scores["auroc"], auprc=scores["auprc"]
    )
    if len(found) == 1:
        return f"In the paper, {found[0].describe()}."
    if any(one.n_hits == one.n_false_alarms == 0 for one in found):
        return "A model that predicts one class only has exactly these two scores."
    return ""


def _describe_regions(task: PublishedTask, printed: PublishedScore, ours: _Ours) -> str:
    """Name the regions that only one side tests, and give our mean over the paper's."""
    more = [region for region in ours.tested if region not in task.tests]
    fewer = [region for region in task.tests if region not in ours.tested]
    if not more and not fewer:
        return ""
    texts = [f"Tested here and not in the paper: {', '.join(more)}."] if more else []
    texts += [f"Tested in the paper and not here: {', '.join(fewer)}."] if fewer else []
    values = [
        ours.scores[region, printed.metric].value for region in task.tests if region in ours.tested
    ]
    if more and values:
        texts.append(f"Without {', '.join(more)} our score is {fmean(values):.{DECIMALS}f}.")
    return " ".join(texts)


# ---- scores of predicted classes
#
# A predicted class ranks in two steps only: the images called positive, then the others. AUROC and
# AUPRC then follow from a table of hits and false alarms, AUROC is the balanced accuracy, and a
# printed pair of scores says which tables it can come from.


@dataclass(frozen=True)
class Confusion:
    """Hold how many images of each class are called positive.

    Parameters
    ----------
    n_positive, n_negative : int
        Images of each class, at least one.
    n_hits : int
        Positive images that are called positive.
    n_false_alarms : int
        Negative images that are called positive.

    Examples
    --------
    >>> found = Confusion(n_positive=1, n_negative=9, n_hits=1, n_false_alarms=2)
    >>> round(found.auroc, 2), round(found.auprc, 2)
    (0.89, 0.33)
    """

    n_positive: int
    n_negative: int
    n_hits: int
    n_false_alarms: int

    @property
    def auroc(self) -> float:
        """Give the area under the curve of two steps: the balanced accuracy."""
        hit_rate = self.n_hits / self.n_positive
        return (hit_rate + 1 - self.n_false_alarms / self.n_negative) / 2

    @property
    def auprc(self) -> float:
        """Give the average precision: two steps, the second at the prevalence.

        This is scikit-learn's ``average_precision_score``, not the area under straight lines
        between the points.
        """
        prevalence = self.n_positive / (self.n_positive + self.n_negative)
        n_called = self.n_hits + self.n_false_alarms
        if n_called == 0:
            return prevalence
        hit_rate = self.n_hits / self.n_positive
        return hit_rate * self.n_hits / n_called + (1 - hit_rate) * prevalence

    def describe(self) -> str:
        """Say in words what was called positive.

        Examples
        --------
        >>> Confusion(1, 9, 1, 2).describe()
        '1 of 1 positive and 2 of 9 negative images were predicted positive'
        """
        return (
            f"{self.n_hits:,} of {self.n_positive:,} positive and {self.n_false_alarms:,} of "
            f"{self.n_negative:,} negative images were predicted positive"
        )


def list_confusions(
    n_positive: int, n_negative: int, *, auroc: float, auprc: float, decimals: int = 2
) -> tuple[Confusion, ...]:
    """List the tables of hits and false alarms that a printed pair of scores can come from.

    Parameters
    ----------
    n_positive, n_negative : int
        Images of each class.
    auroc, auprc : float
        As printed.
    decimals : int, default 2
        How many are printed. A number half-way between two may have been rounded to either.

    Returns
    -------
    tuple of Confusion
        None where the scores were not taken from predicted classes. In large classes many
        tables print the same.

    Examples
    --------
    >>> [found.describe() for found in list_confusions(1, 9, auroc=0.89, auprc=0.33)]
    ['1 of 1 positive and 2 of 9 negative images were predicted positive']
    """
    half = 0.5 * 10.0**-decimals + 1e-9
    every = (
        Confusion(n_positive, n_negative, n_hits, n_false_alarms)
        for n_hits in range(n_positive + 1)
        for n_false_alarms in range(n_negative + 1)
    )
    return tuple(
        found
        for found in every
        if abs(found.auroc - auroc) <= half and abs(found.auprc - auprc) <= half
    )
