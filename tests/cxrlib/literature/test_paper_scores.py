"""Tests of the paper's scores: against its own means, against what can be, against its text."""

import itertools
import os
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxrlib.baselines.evaluation.paper_score_comparison import Confusion, list_confusions
from cxrlib.literature import (
    FEATURE_TITLES,
    MEAN,
    PUBLISHED_TASKS,
    PublishedScore,
    find_scores,
    read_rows,
)
from cxrlib.literature.paper_scores import PRINTED_PARAMETERS, PUBLISHED_SCORES

PAPER_FILE = "2020-12-prospective-predictions.txt"
CLASS_TASKS = ("covid-19", "viral-or-bacterial", "survival", "icu-stay", "intubated")
NUMBER_TASKS = ("geographic-extent", "opacity")
HALF = 0.005 + 1e-9  # half of the last printed decimal
MEANS = [score for score in PUBLISHED_SCORES if score.fold == MEAN]

Cell = tuple[str, str, str, int | None]


def pair_cells() -> Iterator[tuple[PublishedScore, PublishedScore]]:
    """Pair AUROC and AUPRC of each printed fold."""
    found: dict[Cell, dict[str, PublishedScore]] = {}
    for score in PUBLISHED_SCORES:
        if score.fold != MEAN and score.task in CLASS_TASKS:
            key = (score.task, score.features, score.fold, score.seed)
            found.setdefault(key, {})[score.metric] = score
    for cell in found.values():
        yield cell["auroc"], cell["auprc"]


def fit(auroc: PublishedScore, auprc: PublishedScore) -> tuple[Confusion, ...]:
    """List the tables of hits and false alarms behind a printed cell."""
    counts = auroc.test
    assert counts.n_positive is not None
    assert counts.n_negative is not None
    return list_confusions(
        counts.n_positive, counts.n_negative, auroc=auroc.value, auprc=auprc.value
    )


# ---- against what can be: a slip of the pen in one number breaks one of them


def test_every_cell_of_tables_10_to_14_is_of_predicted_classes() -> None:
    """104 cells fit a table of hits and false alarms, and 60 are of one predicted class."""
    cells = list(pair_cells())
    assert len(cells) == 104
    assert all(fit(*cell) for cell in cells)
    n_empty = 0
    for auroc, auprc in cells:
        counts = auroc.test
        prevalence = (counts.n_positive or 0) / counts.n_images
        n_empty += auroc.value == 0.5 and abs(auprc.value - prevalence) <= HALF
    assert n_empty == 60


def test_the_icu_score_of_asia_rests_on_one_image() -> None:
    """0.89 is the single positive image found, and two of nine called so wrongly."""
    auroc, auprc = (
        find_scores("icu-stay", features="outputs", fold="Asia", metric=metric)[0]
        for metric in ("auroc", "auprc")
    )
    assert fit(auroc, auprc) == (Confusion(1, 9, 1, 2),)


@pytest.mark.parametrize("mean", [m for m in MEANS if m.task in CLASS_TASKS], ids=str)
def test_the_means_of_table_5_follow_from_the_folds(mean: PublishedScore) -> None:
    """Mean and sample deviation over regions (and seeds) of tables that fit the folds.

    All thirty pairs of rows do, so that nothing in Table 5 contradicts Tables 10 to 14.
    """
    choices = [
        sorted({getattr(found, mean.metric) for found in fit(auroc, auprc)})
        for auroc, auprc in pair_cells()
        if (auroc.task, auroc.features) == (mean.task, mean.features)
    ]
    n_seeds = 3 if mean.features == "pixels" else 1
    assert len(choices) == n_seeds * len(PUBLISHED_TASKS[mean.task].tests)
    assert any(
        abs(statistics.mean(values) - mean.value) <= HALF
        and abs(statistics.stdev(values) - (mean.sd or 0.0)) <= HALF
        for values in itertools.product(*choices)
    )


@pytest.mark.parametrize("mean", [m for m in MEANS if m.task in NUMBER_TASKS], ids=str)
def test_the_means_of_table_6_follow_from_the_folds(mean: PublishedScore) -> None:
    """Mean and sample deviation of two regions, as closely as two rounded numbers tell."""
    values = [
        score.value
        for score in find_scores(mean.task, features=mean.features, metric=mean.metric)
        if score.fold != MEAN
    ]
    assert len(values) == 2
    assert mean.sd is not None
    assert abs(statistics.mean(values) - mean.value) <= 2 * HALF
    # Of two numbers the deviation is their distance over the root of 2.
    assert abs(statistics.stdev(values) - mean.sd) <= HALF + 2 * HALF / 2**0.5


def test_tests_are_part_of_the_whole() -> None:
    """No class has more images tested than the task has; some only train."""
    n_train_only = {}
    for task in PUBLISHED_TASKS.values():
        whole, tested = task.whole, task.tested
        n_train_only[task.name] = whole.n_images - tested.n_images
        if whole.n_positive is not None:
            assert tested.n_positive is not None
            assert tested.n_positive <= whole.n_positive
            assert (tested.n_negative or 0) <= (whole.n_negative or 0)
    assert n_train_only == {
        "covid-19": 15,
        "viral-or-bacterial": 66,
        "survival": 3,
        "icu-stay": 6,
        "intubated": 8,
        "geographic-extent": 17,
        "opacity": 17,
    }


def test_a_region_has_the_same_images_in_every_line() -> None:
    """Counts are printed in each line; they never contradict each other."""
    for score in PUBLISHED_SCORES:
        task = PUBLISHED_TASKS[score.task]
        assert score.test == (task.tested if score.fold == MEAN else task.tests[score.fold])


# ---- names and finding


def test_every_task_has_all_its_scores() -> None:
    """Means and folds of every feature set, no cell twice; no pixels for numbers."""
    keys = [(s.task, s.features, s.fold, s.metric, s.seed) for s in PUBLISHED_SCORES]
    assert len(keys) == len(set(keys)) == 2 * 30 + 3 * 10 + 2 * 104 + 3 * 20
    for task in PUBLISHED_TASKS.values():
        sets = [name for name in FEATURE_TITLES if task.name in CLASS_TASKS or name != "pixels"]
        for features, fold in itertools.product(sets, [*task.tests, MEAN]):
            found = find_scores(task.name, features=features, fold=fold)
            n_seeds = 3 if features == "pixels" and fold != MEAN else 1
            assert len(found) == n_seeds * len(task.metrics)
            assert {score.metric for score in found} == set(task.metrics)


def test_nothing_is_found_where_nothing_is_printed() -> None:
    """A reader's own task or features have no published score."""
    assert find_scores("my-task") == ()
    assert find_scores("icu-stay", features="texture:outputs") == ()
    assert find_scores("survival", fold="Oceania") == ()


# ---- against the text of the paper, where it is at hand


@pytest.fixture(scope="module")
def text() -> str:
    """Read the paper's text, or skip: it is found by CXR_PAPERS only."""
    value = os.environ.get("CXR_PAPERS")
    if not value:
        pytest.skip("CXR_PAPERS is not set: the papers' texts are not at hand.")
    return (Path(value) / PAPER_FILE).read_text("utf-8")


def read_lines(table: int) -> list[list[str]]:
    """Read what was typed of a table as lines of cells."""
    return [list(row.values()) for row in read_rows(f"table-{table}")]


def write_counts(text: str) -> str:
    """Write counts of a fold in the order in which we have them: "39/2", or "36"."""
    counts = dict(re.findall(r"(True|False): +(\d+)", text))
    return f"{counts['True']}/{counts['False']}" if counts else text.removesuffix(".0")


@pytest.mark.parametrize("table", [8, 9, 10, 11, 12, 13, 14])
def test_tables_of_folds_are_the_papers(text: str, table: int) -> None:
    """Each column stands in the text, all lines in their order."""
    start = text.index("C.2 Output of models")
    start = text.index(f"\nTable {table}: ", start)
    end = text.find("\nTable ", start + 1)
    part = text[start : end if end > 0 else None].replace("{False:\n", "{False:")
    if table >= 13:  # printed with a line break within the counts
        tails = re.findall(r"(?m)^(\d+, True: \d+)}$", part)
        part = part.replace("{False:", "") + "".join(f"\n{{False: {tail}}}" for tail in tails)
    typed = read_lines(table)
    features, params, counts, *scores, methods, regions = map(list, zip(*typed, strict=True))

    lines = part.split("\n")
    names = {title: name for name, title in FEATURE_TITLES.items()}
    assert [names[line] for line in lines if line in names] == features
    assert [line for line in lines if re.fullmatch(r"\d+\+1|5017801", line)] == params
    assert params == [PRINTED_PARAMETERS[name] for name in features]
    assert [write_counts(line) for line in lines if re.fullmatch(r"{.*}|\d\d\.0", line)] == counts
    assert [line for line in lines if line in ("linear", "logistic", "MLP")] == methods
    assert [line for line in lines if line in ("Asia", "Americas", "Oceania", "Europe")] == regions
    printed = [line for line in lines if re.fullmatch(r"-?\d\.\d\d", line)]
    assert printed == list(itertools.chain(*scores))
    heads = ("Correlation", "MAE", "R^2") if table < 10 else ("AUPRC", "AUROC")
    assert [line for line in lines if line in heads] == list(heads)


@pytest.mark.parametrize(
    ("table", "head", "after"),
    [
        (5, ["AUROC", "AUPRC"], "\n5.1 Complement"),
        (6, ["Correlation", "R2", "MAE"], "\nDue to the reduced mobility"),
    ],
)
def test_tables_of_means_are_the_papers(text: str, table: int, head: list[str], after: str) -> None:
    """Each block of a task stands in the text, column by column."""
    start = text.index(f"\nTable {table}: ")
    lines = text[start : text.index(after, start)].split("\n")
    names = {title: name for name, title in FEATURE_TITLES.items()}
    typed = read_lines(table)
    assert [names[line] for line in lines if line in names] == [line[1] for line in typed]
    assert [line for line in lines if re.fullmatch(r"\d+\+1|5017801", line)] == [
        line[2] for line in typed
    ]
    printed = [line for line in lines if re.fullmatch(r"-?\d\.\d\d±\d\.\d\d", line)]
    expected: list[str] = []
    for _, block in itertools.groupby(typed, key=lambda line: line[0]):
        for column in list(zip(*block, strict=True))[3:]:
            expected += column
    assert printed == expected
    assert [line for line in lines if line in head] == head


def test_what_is_said_of_the_tasks_is_the_papers(text: str) -> None:
    """Titles, counts and regions of Tables 5 and 6, in their order."""
    start = text.index("\nTable 5: ")
    for task in list(PUBLISHED_TASKS.values())[:5]:
        counts = f"True={task.whole.n_positive}\nFalse={task.whole.n_negative}"
        block = f"{task.title}\n0<offset<8 days\n{counts}"
        assert block in text[start:]
    tests = text[text.index("Test Regions", start) : text.index("5.1 Complement")]
    regions = [list(task.tests) for task in PUBLISHED_TASKS.values()]
    blocks = re.findall(r"(?m)^((?:(?:Americas|Asia|Europe|Oceania),?\n)+)", tests)
    assert [re.findall(r"\w+", block) for block in blocks] == regions[:5]
    for title in ("Geographic\nExtent\nScore (0-8)\nN=94", "Opacity\nScore (0-6)\nN=94"):
        assert title in text
    assert text[text.index("\nTable 6: ") :].count("\nAsia, Europe\n") == 2
