"""The page of a run's report: the result first, then data, methods, limits and licences."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cxrlib.baselines.evaluation import (
    MEAN,
    POOLED,
    describe_held_out,
    describe_score_comparison,
    format_metric,
    format_score,
    is_own,
)
from cxrlib.baselines.runs import Run, RunCounts, RunEntry
from cxrlib.charts.cohort import describe_flow, plot_flow
from cxrlib.charts.scores import describe_forest, find_chance, plot_forest
from cxrlib.cohort import Cohort
from cxrlib.literature import METADATA_LICENCE, cite_images
from cxrlib.reports.html_page import PageFigure, PageTable, Section, make_report_html
from cxrlib.reports.methods_paragraph import describe_methods
from cxrlib.reports.report_part import ReportPart
from cxrlib.reports.reporting_checklists import AUTHOR, GUIDELINES
from cxrlib.reports.run_manifest import MAIN_METRICS, list_used_images
from cxrlib.reports.run_series import list_series
from cxrlib.short_repr import short_repr

Manifest = Mapping[str, Any]

COLUMNS = {
    "fold": "Held out",
    "metric": "Score",
    "words": "What changed",
    "interval": "95 % interval",
    "low": "95 % interval, low",
    "high": "95 % interval, high",
    "sd": "Standard deviation",
    "reason": "Remark",
    "n_used": "Resamples used",
    "n_dropped": "Resamples dropped",
    "n_train_images": "Training images",
    "n_train_persons": "Training persons",
    "n_guarded": "Left out by guards",
    "n_removed_images": "Images left out",
    "reasons": "Why",
    "person_id": "Person",
    "patient_ids": "Patients",
    "n": "Permutations",
    "n_at_least": "At least as good",
    "ours": "Here",
    "n_images_paper": "Images, paper",
    "n_images_ours": "Images, here",
    "n_positive_paper": "Positive, paper",
    "n_positive_ours": "Positive, here",
    "by": "Answered by",
}
"""Headings of columns; others are made from the column's name."""


@dataclass(frozen=True, eq=False)  # tables have no single truth to compare by
class ReportContents:
    """Hold what a report is written of.

    Parameters
    ----------
    run : Run
    cohort : Cohort
        The whole one.
    runs : sequence of RunEntry
        All of the cohort and task.
    manifest : mapping
    items : DataFrame
        Result of `cxrlib.reports.answer_items`.
    differences : DataFrame
        Result of `cxrlib.baselines.runs.compare_shortcuts`.
    published : DataFrame
        Result of `cxrlib.baselines.evaluation.compare_scores`.
    more : sequence of ReportPart
    lines : sequence of str
        Where it comes from, the notice first.
    """

    run: Run
    cohort: Cohort
    runs: Sequence[RunEntry]
    manifest: Manifest
    items: pd.DataFrame
    differences: pd.DataFrame
    published: pd.DataFrame
    more: Sequence[ReportPart]
    lines: Sequence[str]
    __repr__ = short_repr


def make_page(contents: ReportContents) -> str:
    """Make the page of a report: an HTML document that opens anywhere and fetches nothing."""
    run, manifest = contents.run, contents.manifest
    settings = run.spec.settings
    notice, *origin = contents.lines
    return make_report_html(
        _list_sections(contents),
        title=f"{run.spec.task.title}: {manifest['task']['card']['question']}",
        subtitle=f"{run.result.features.title}; {run.spec.describe_model()}; protocol "
        f"{settings.protocol.name}, by {settings.group}; {contents.cohort.name}; run {run.id}",
        notice=notice,
        origin=origin,
    )


def _list_sections(contents: ReportContents) -> list[Section]:
    run, manifest = contents.run, contents.manifest
    return [
        _make_answer(run, manifest),
        _make_task(manifest),
        _make_rows(run),
        _make_folds(run),
        _make_scores(run),
        _make_shortcuts(run, contents.differences),
        _make_published(contents.published),
        *map(_make_more, contents.more),
        _make_all_runs(contents.runs, run),
        Section("Methods", (describe_methods(manifest),)),
        _make_limits(manifest),
        _make_licences(run, contents.cohort, manifest),
        _make_items(contents.items),
        _make_repetition(run),
    ]


def _make_answer(run: Run, manifest: Manifest) -> Section:
    """Begin with the scores, those of the shortcuts, and of how many runs this is one."""
    last = manifest["flow"][-1]
    metrics = dict.fromkeys((_main_metric(run), *_pooled_metrics(run)))
    ours = [
        f"{_format_fold(row['fold'], run)}, {format_metric(row['metric'])}: {describe_score(row)}"
        for row in manifest["scores"]
        if row["fold"] in (MEAN, POOLED) and row["metric"] in metrics
    ]
    beside = [
        f"{row['title']}: {_format_fold(row['fold'], run)}, {format_metric(row['metric'])} "
        f"{describe_score(row)}"
        for row in manifest["shortcuts"]
        if row["fold"] == POOLED
    ]
    return Section(
        "Result",
        (
            f"{last['n_images']:,} images of {last['n_persons']:,} persons. Model: "
            f"{run.spec.describe_model()}. Protocol: {run.spec.settings.protocol.name}.",
            f"{run.counts.describe()} Those of this task are listed below.",
        ),
        (*ours, *(f"Shortcut, does not use the image: {words}" for words in beside)),
    )


def _main_metric(run: Run) -> str:
    return MAIN_METRICS[run.spec.task.kind]


def _pooled_metrics(run: Run) -> list[str]:
    scores = run.scores
    return scores.loc[scores["fold"] == POOLED, "metric"].tolist()


def _format_fold(fold: str, run: Run) -> str:
    group = run.spec.settings.group
    names = {MEAN: f"Mean over held-out groups, by {group}", POOLED: f"Pooled within {group}"}
    return names.get(fold, fold)


def describe_score(row: Mapping[str, Any]) -> str:
    """Describe a score with its interval and spread, or why there is none.

    Examples
    --------
    >>> describe_score({"value": 0.8123, "low": 0.7, "high": 0.9, "sd": None, "reason": ""})
    '0.81 (0.70 to 0.90)'
    >>> describe_score({"value": None, "reason": "One person."})
    'not estimable. One person.'
    """
    reason = f" {row['reason']}" if row["reason"] else ""
    if row["value"] is None:
        return f"not estimable.{reason}"
    bounds = [row["low"], row["high"]]
    held = "" if None in bounds else f" ({format_score(bounds[0])} to {format_score(bounds[1])})"
    spread = "" if row.get("sd") is None else f", standard deviation {format_score(row['sd'])}"
    return f"{format_score(row['value'])}{held}{spread}{f'.{reason}' if reason else ''}"


def _make_task(manifest: Manifest) -> Section:
    task, card = manifest["task"], manifest["task"]["card"]
    lines = {
        "Images": card["population"],
        "Moment of prediction": card["moment"],
        "Outcome": card["outcome"],
        "Horizon": card["horizon"],
        "Question": card["question"],
        "Why it matters": card["motivation"],
        "On the command line": task["text"],
    }
    table = pd.DataFrame({"About": list(lines), "Task": list(lines.values())})
    published = "as in the paper" if task["is_published"] else "not a task of the paper"
    return Section("The task", (f"{task['title']}, {published}.",), tables=(PageTable(table),))


def _make_rows(run: Run) -> Section:
    steps = run.result.rows.steps
    columns = ["title", "n_images", "n_patients", "n_persons", "n_removed_images", "reasons"]
    flow = _select(run.flow, columns, title="Step")
    figure = PageFigure(plot_flow(steps), "From all rows to the images used.", describe_flow(steps))
    return Section(
        "Images included",
        figures=(figure,),
        tables=(
            PageTable(
                flow,
                "The same numbers. Patient ids that share an image count as one person.",
            ),
        ),
    )


def _make_folds(run: Run) -> Section:
    task = run.spec.task
    classes = {}
    if task.kind == "classes":
        names = {"positive": task.positive, "negative": task.negative}
        classes = {f"n_{each}": f"Images: {name}" for each, name in names.items()}
        classes |= {f"n_{each}_persons": f"Persons: {name}" for each, name in names.items()}
    training = ("n_train_images", "n_train_persons", "n_guarded", "events_per_parameter")
    folds = _select(run.folds, ["fold", "n_images", "n_persons", *classes, *training], **classes)
    unscored = run.folds[~run.folds["is_scored"].astype(bool)]
    reasons = zip(unscored["fold"], unscored["reason"], strict=True)
    return Section(
        "Held-out groups",
        (_capitalise(describe_held_out(run.spec.settings.hold_out)) + ".",),
        tuple(f"{fold} has no score of its own. {reason}" for fold, reason in reasons),
        tables=(PageTable(folds, "Test and training images and persons of each group."),),
    )


def _select(table: pd.DataFrame, columns: Iterable[str], **headings: str) -> pd.DataFrame:
    """Select columns in an order, under headings; metrics and intervals are put into words."""
    if "metric" in table:
        table = table.assign(metric=[format_metric(metric) for metric in table["metric"]])
    if "low" in table:
        table = table.assign(interval=_format_intervals(table))
    return table[list(columns)].rename(columns=lambda name: headings.get(name) or _head(name))


def _head(name: str) -> str:
    """Format a column's name as a heading: n_images is "Images"."""
    return COLUMNS.get(name) or _capitalise(name.removeprefix("n_").replace("_", " "))


def _make_scores(run: Run) -> Section:
    metric = _main_metric(run)
    figures = [_draw_forest(run, each) for each in dict.fromkeys((metric, *_pooled_metrics(run)))]
    return Section(
        "Scores",
        (
            f"By held-out {run.spec.settings.group}, with 95 % intervals (bootstrap over "
            "patients). The shortcuts beside them predict the same images without looking at "
            "them.",
        ),
        figures=tuple(figure for figure in figures if figure is not None),
        tables=(
            PageTable(
                _lay_out_scores(run.scores[run.scores["value"].notna()]),
                "All scores that could be computed. scores.csv gives the reasons for the others.",
            ),
        ),
    )


def _draw_forest(run: Run, metric: str) -> PageFigure | None:
    """Draw the scores of a metric; nothing where it has none of a group of its own."""
    series = list_series(run)
    of_metric = run.scores[run.scores["metric"] == metric]
    if of_metric.empty or set(of_metric["fold"]) == {POOLED} != set(run.scores["fold"]):
        return None
    hold_out = run.spec.settings.group
    folds = run.folds if run.spec.task.kind == "classes" else None
    chance = find_chance(metric, folds, event=run.spec.task.event or "positive")
    return PageFigure(
        plot_forest(series, metric, folds=folds, hold_out=hold_out, chance=chance),
        f"{_capitalise(format_metric(metric))} by held-out {hold_out}, protocol "
        f"{run.spec.settings.protocol.name}; 95 % intervals, bootstrap over patients.",
        describe_forest(series, metric, hold_out=hold_out),
    )


def _capitalise(words: str) -> str:
    return words[:1].upper() + words[1:]


def _lay_out_scores(scores: pd.DataFrame, first: Sequence[str] = ()) -> pd.DataFrame:
    """Lay out scores for the page."""
    counts = ("n_images", "n_persons", "n_dropped", "reason")
    columns = [*first, "fold", "metric", "value", "interval", "sd", *counts]
    return _select(scores, columns, title="Shortcut")


def _format_intervals(table: pd.DataFrame) -> list[str]:
    ends = zip(table["low"], table["high"], strict=True)
    return [
        "" if pd.isna(low) else f"{format_score(low)} to {format_score(high)}" for low, high in ends
    ]


def _make_shortcuts(run: Run, differences: pd.DataFrame) -> Section:
    metrics = [_main_metric(run), *_pooled_metrics(run)]
    over_all, paired = (
        table[table["fold"].isin([MEAN, POOLED])] for table in (run.shortcut_scores, differences)
    )
    over_all = over_all[over_all["metric"].isin([*metrics, ""])]
    paired = paired[paired["metric"].isin(metrics)]
    columns = ["title", "fold", "metric", "difference", "interval", "reason"]
    paired = _select(paired, columns, title="Shortcut")
    return Section(
        "Compared with the shortcuts",
        (
            "If a shortcut scores as well, the features may have captured no more than the "
            "shortcut. Differences are paired: both models are scored on the same bootstrap "
            "resamples of patients.",
        ),
        tables=(
            PageTable(
                _lay_out_scores(over_all, ["title"]), "Scores of the shortcuts on the same images."
            ),
            PageTable(paired, "This run minus the shortcut."),
        ),
    )


def _make_published(published: pd.DataFrame) -> Section:
    if published.empty:
        return Section(
            "Compared with the paper",
            ("The paper prints no score for this task and these features.",),
        )
    verdicts = zip(published["verdict"], published["explanation"], strict=True)
    counts = ("n_images_paper", "n_images_ours", "n_positive_paper", "n_positive_ours")
    columns = ["table", "fold", "metric", "paper", "ours", *counts, "verdict"]
    shown = _select(published, columns)
    return Section(
        "Compared with the paper",
        (describe_score_comparison(published),),
        tuple(f"{verdict}: {why}" for verdict, why in dict.fromkeys(verdicts)),
        tables=(PageTable(shown, "Each printed score beside ours."),),
    )


def _make_more(part: ReportPart) -> Section:
    figures = () if part.draw is None else (PageFigure(part.draw(), part.title, part.description),)
    table = part.table if part.shown is None else part.shown
    shown = _select(table, table.columns)
    return Section(part.title, part.words, figures=figures, tables=(PageTable(shown),))


def _make_all_runs(runs: Sequence[RunEntry], run: Run) -> Section:
    counts = RunCounts(len(runs), run.counts.n_outcome, run.counts.n_cohort)
    table = pd.DataFrame(
        {
            "Number": range(1, len(runs) + 1),
            "Run": [
                f"{each.id}{' (this one)' if each.id == run.id else ''}"
                f"{' (kept)' if each.is_kept else ''}"
                for each in runs
            ],
            "Settings": [each.words for each in runs],
            "Images": [each.n_images for each in runs],
            "Scores over all groups": [_describe_headlines(each, run) for each in runs],
        }
    )
    return Section(
        "All runs",
        (
            f"{counts.describe()} The best of many runs looks good by chance alone, so read this "
            "one with the others. The table has those of this task; the command runs lists all.",
        ),
        tables=(PageTable(table),),
    )


def _describe_headlines(entry: RunEntry, run: Run) -> str:
    metrics = (_main_metric(run), *_pooled_metrics(run))
    return "; ".join(
        f"{each.fold} {format_metric(each.metric)} "
        f"{describe_score(each._asdict() | {'reason': ''})}"
        for each in entry.headlines
        if each.metric in metrics
    ).replace("estimable.", "estimable")


def _make_limits(manifest: Manifest) -> Section:
    return Section(
        "Limitations",
        points=(*manifest["notes"], *manifest["task"]["card"]["caveats"]),
    )


def _make_licences(run: Run, cohort: Cohort, manifest: Manifest) -> Section:
    rows = list_used_images(run, cohort)
    return Section(
        "Image licences",
        (
            "This report contains no image. licences.csv lists every image that was used.",
            *manifest["licences"],
            *([] if cohort.is_synthetic else [f"{METADATA_LICENCE}."]),
        ),
        tuple(cite_images(rows, is_synthetic=cohort.is_synthetic)),
    )


def _make_items(items: pd.DataFrame) -> Section:
    columns = ["item", "part", "title", "answer", "by"]
    of_each = {name: items[items["guideline"] == name] for name in GUIDELINES}
    tables = [
        PageTable(_select(table, columns, title="Topic"), f"{name}. {_count_answers(table)}")
        for name, table in of_each.items()
    ]
    return Section(
        "Reporting guidelines",
        (
            "Items that the manifest of this run answers, and items left to the author. The titles "
            "are short names of ours: fill in the guidelines' own forms.",
        ),
        tuple(f"{name}: {source}." for name, source in GUIDELINES.items()),
        tables=tuple(tables),
    )


def _count_answers(items: pd.DataFrame) -> str:
    n_left = int((items["by"] == AUTHOR).sum())
    n_whole = int((items["by"] == "manifest").sum())
    n_part = len(items) - n_left - n_whole
    return (
        f"Of {len(items):,} items the manifest answers {n_whole:,} fully and {n_part:,} in part; "
        f"{n_left:,} are left to the author."
    )


def _make_repetition(run: Run) -> Section:
    versions = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    what = "This call in Python" if is_own(run.spec.settings.model) else "This command"
    return Section(
        "How to repeat this run",
        (
            f"{what} gives exactly the same numbers on the same cohort with the same versions "
            f"({versions}).",
        ),
        code=run.spec.to_command(),
    )
