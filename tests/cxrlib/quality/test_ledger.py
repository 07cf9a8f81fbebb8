"""The quality ledger: its table, its counts, its effect on a selection, its report."""

import csv
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cxrlib.cli import app
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.quality import (
    FLAGS,
    UPSTREAM,
    count_without_flagged,
    find_flags,
    get_rule,
    make_maintainer_report,
    mark_images,
)
from cxrlib.quality.ledger import EFFECT_COLUMNS, LEDGER_COLUMNS
from cxrlib.quality.rules import RULES, SEVERITIES
from cxrlib.selection import Selection, parse_where, select
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, make_cohort

MARKUP = "<img src=x onerror=alert(1)>|`a`|[l](javascript:x)"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write eight X-rays and a CT row: two copies that disagree, a file missing, odd values."""
    rows: list[dict[str, object]] = [
        {"patientid": "a", "offset": 1, "license": "CC BY", "doi": "10.1/a", "view": "PA"},
        {"patientid": "b", "offset": 2, "license": "CC BY", "doi": "10.1/b", "view": "AP"},
        {"patientid": "c", "offset": 5, "license": "CC BY-NC", "doi": "10.1/c"},
        {"patientid": "c", "offset": -3, "license": "CC BY", "doi": "10.1/c", "sex": "M"},
        {"patientid": "c", "offset": 400, "license": "CC BY", "doi": "10.1/c", "sex": "F"},
        {"patientid": "d", "finding": "todo", "temperature": 95},
        {"patientid": MARKUP, "view": MARKUP, "in_icu": "Y", "went_icu": "N"},
        {"patientid": "e", "offset": 0, "view": "L", "license": "CC BY"},
        {"patientid": "f", "filename": "a.nii", "modality": "CT", "view": "Axial"},
    ]
    images = {f"image{i}.png": draw_image(i, height=260, width=240) for i in (1, 3, 4, 5, 6, 7)}
    images["image2.png"] = images["image1.png"]
    return make_cohort(tmp_path_factory.mktemp("quality") / "cohort", rows, images=images)


@pytest.fixture(scope="module")
def cohort(root: Path) -> Cohort:
    """Load it with its images."""
    return load_cohort(root)


def images_of(cohort: Cohort, rule: str) -> set[str]:
    """Name the images that a rule flags."""
    flags = find_flags(cohort).table
    return set(flags.loc[flags["rule"] == rule, "image_id"])


# ---- the table


def test_table_holds_all_that_a_reader_needs(cohort: Cohort) -> None:
    """Every line names rule, severity, image, row, what it means and what to do."""
    ledger = find_flags(cohort)
    assert tuple(ledger.table.columns) == LEDGER_COLUMNS
    assert ledger.unchecked == ()
    assert set(ledger.table["severity"]) <= set(SEVERITIES)
    assert (ledger.table[["rule", "image_id", "meaning", "action"]] != "").all(axis=None)
    rows = cohort.table.set_index("image_id")
    for line in ledger.table.to_dict("records"):
        rule = get_rule(line["rule"])
        assert (line["severity"], line["meaning"]) == (rule.severity, rule.meaning)
        assert rows.loc[line["image_id"], "row"] == line["row"]
        assert rows.loc[line["image_id"], "patient_id"] == line["patient_id"]
        assert line["column"] in (*cohort.table.columns, "")


def test_planted_flags_are_found(cohort: Cohort) -> None:
    """What was put into the cohort is in the ledger, and stands where it was put."""
    assert images_of(cohort, "copies disagree") == {"image1.png", "image2.png"}
    assert images_of(cohort, "exact duplicate") == {"image1.png", "image2.png"}
    assert images_of(cohort, "no file") == {"image8.png"}
    assert images_of(cohort, "two sexes") == {f"image{i}.png" for i in (3, 4, 5)}
    assert images_of(cohort, "day out of range") == {"image5.png"}
    flags = find_flags(cohort).table
    line = flags[flags["rule"] == "implausible value"].iloc[0]
    assert (line["row"], line["column"], line["value"]) == (
        7,
        "temperature",
        "95 °C: perhaps Fahrenheit",
    )


def test_counts_are_those_of_a_plain_loop(cohort: Cohort) -> None:
    """Flags, images and patients by rule, counted one by one; the gravest first."""
    ledger = find_flags(cohort)
    counts = ledger.count()
    assert list(counts["rule"]) == sorted(
        (rule.name for rule in RULES),
        key=lambda name: (
            SEVERITIES.index(get_rule(name).severity),
            [rule.name for rule in RULES].index(name),
        ),
    )
    lines = ledger.table.to_dict("records")
    for row in counts.to_dict("records"):
        own = [line for line in lines if line["rule"] == row["rule"]]
        assert row["n_flags"] == len(own)
        assert row["n_images"] == len({line["image_id"] for line in own})
        assert row["n_patients"] == len({line["patient_id"] for line in own})


def test_order_of_rows_changes_nothing(root: Path, tmp_path: Path) -> None:
    """The same rows in another order raise the same flags on the same images."""
    other = tmp_path / "cohort"
    shutil.copytree(root, other)
    header, *lines = (root / "metadata.csv").read_text().splitlines()
    (other / "metadata.csv").write_text("\n".join([header, *reversed(lines)]))
    shown = ["rule", "image_id", "patient_id", "column", "value"]
    first, second = (
        find_flags(load_cohort(folder)).table[shown].sort_values(shown, ignore_index=True)
        for folder in (root, other)
    )
    pd.testing.assert_frame_equal(first, second)


def test_ledger_of_a_selection_keeps_what_was_found_on_all(cohort: Cohort) -> None:
    """An image stays a copy of one that was left out."""
    left = select(cohort, Selection(view=("AP",)))
    kept = find_flags(cohort).keep(left.table["image_id"])
    assert set(kept.table["image_id"]) == {"image2.png"}
    assert "copies disagree" in set(kept.table["rule"])
    assert kept.rules == RULES


def test_choose_keeps_rules(cohort: Cohort) -> None:
    """One rule of all, in table, rules and counts; an unknown one is refused."""
    ledger = find_flags(cohort).choose(["todo"])
    assert set(ledger.table["rule"]) == {"todo"}
    assert list(ledger.count()["rule"]) == ["todo"]
    assert find_flags(cohort).choose([]) is find_flags(cohort)
    with pytest.raises(SelectionError, match="There is no rule 'tod'"):
        find_flags(cohort).choose(["tod"])


def test_without_images_rules_about_them_are_not_judged(root: Path) -> None:
    """Their counts are missing rather than 0."""
    ledger = find_flags(load_cohort(root, inspect_images=False))
    assert {"near duplicate", "small", "perhaps text"} <= set(ledger.unchecked)
    counts = ledger.count().set_index("rule")
    assert counts.loc[list(ledger.unchecked), "n_images"].isna().all()
    assert counts.loc["no day", "n_images"] == 2


def test_no_xrays_no_flags(cohort: Cohort) -> None:
    """An empty selection has an empty ledger with the same columns."""
    empty = cohort.select(cohort.table["row"] < 0, "nothing")
    ledger = find_flags(empty)
    assert tuple(ledger.table.columns) == LEDGER_COLUMNS
    assert len(ledger.table) == 0
    assert (count_without_flagged(empty)["n_images"] == 0).all()


# ---- flags and selections


def test_marks_are_the_ledger(cohort: Cohort) -> None:
    """An image is marked where the ledger has a line of it, and nowhere else."""
    marks = mark_images(cohort)
    assert marks.index.equals(cohort.table.index)
    for rule in RULES:
        marked = set(cohort.table.loc[marks[rule.name], "image_id"])
        assert marked == images_of(cohort, rule.name)


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_every_rule_can_be_left_out(cohort: Cohort, rule: str) -> None:
    """By its name in a selection, and on the command line with hyphens."""
    selection = parse_where(f"without={rule.replace(' ', '-')}")
    assert selection == Selection(without=(rule,))
    left = set(select(cohort, selection).table["image_id"])
    xrays = set(cohort.table.loc[cohort.table["is_xray"], "image_id"])
    assert left == xrays - images_of(cohort, rule)


def test_old_flags_are_still_known() -> None:
    """Addresses written before the ledger still mean something."""
    old = {
        *("no file", "unreadable", "near duplicate", "person under two ids"),
        *("no usable finding", "no day", "no age", "no licence", "state unknown"),
        "state overlap",
    }
    assert old <= set(FLAGS)


def test_asking_again_is_free(cohort: Cohort) -> None:
    """The ledger of one cohort is found once."""
    first = find_flags(cohort)
    assert find_flags(cohort) is first


# ---- the effect


def test_effect_is_that_of_selecting(cohort: Cohort) -> None:
    """Every count equals that of a selection without the rule's images."""
    table = count_without_flagged(cohort)
    assert tuple(table.columns) == EFFECT_COLUMNS
    for row in table.to_dict("records"):
        left = select(cohort, Selection(without=(row["rule"],)))
        assert row["n_images_left"] == left.n_images
        assert row["n_patients_left"] == left.n_patients
        assert row["n_persons_left"] == left.n_persons
        published = left.select_frontal().select_usable_finding()
        assert row["n_published_left"] == published.n_images
        assert row["n_flagged"] == row["n_images"] - row["n_images_left"]


def test_effect_of_several_rules_counts_images_once(cohort: Cohort) -> None:
    """The last row leaves out the images of all rules."""
    table = count_without_flagged(cohort, ["near duplicate", "copies disagree", "todo"])
    assert list(table["rule"]) == ["near duplicate", "copies disagree", "todo", "all of these"]
    assert list(table["n_flagged"]) == [2, 2, 1, 3]


def test_effect_on_a_selection_goes_by_the_flags_of_all(cohort: Cohort) -> None:
    """A copy counts as a copy although the other one is not selected."""
    left = select(cohort, Selection(view=("AP",)))
    marks = mark_images(cohort).set_axis(cohort.table["image_id"])
    table = count_without_flagged(left, ["exact duplicate"], flags=marks)
    assert (table["n_images"].item(), table["n_images_left"].item()) == (1, 0)
    with pytest.raises(SelectionError, match="There is no rule"):
        count_without_flagged(left, ["nonsense"])


# ---- report and command line


def test_report_is_grouped_and_inert(cohort: Cohort) -> None:
    """Rules are headings, rows are numbered; markup from the cohort stays in code spans."""
    report = make_maintainer_report(cohort)
    assert "## Copies of one image with contradicting records (error, 2 images of 2" in report
    for line in report.splitlines():
        if "onerror" in line:
            spans = line.replace("\\|", "").split("|")
            assert len(spans) == 7
            cells = [cell.strip() for cell in spans if "onerror" in cell]
            assert all(cell.startswith("`") and cell.endswith("`") for cell in cells)
            # The fence is longer than any run of backticks within.
            assert all(cell.startswith("`` ") for cell in cells)


def test_report_says_what_it_leaves_out(tmp_path: Path) -> None:
    """Many flags are cut and counted."""
    rows = [{"doi": ""} for _ in range(9)]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    report = make_maintainer_report(cohort, rules=("no article",), most=4)
    assert report.count("\n| ") == 4 + 1
    assert "And 5 more" in report


def test_report_writes_one_as_one(tmp_path: Path) -> None:
    """A flag on one image is that of 1 image of 1 patient, by 1 rule."""
    cohort = load_cohort(make_cohort(tmp_path / "c", [{"doi": ""}], images={}))
    report = make_maintainer_report(cohort, rules=("no article",))
    assert "1 image of 1 patient)" in report
    assert "1 flag by 1 rule." in report


def test_upstream_rules_exist() -> None:
    """The report's rules are rules, and none of them a note."""
    assert all(get_rule(name).severity != "note" for name in UPSTREAM)


def run(root: Path, tmp_path: Path, *options: str) -> str:
    """Run the command and return its standard output."""
    command = ["quality", "--data", str(root), "--cache", str(tmp_path / "cache"), *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_command_prints_the_ledger_as_csv(root: Path, tmp_path: Path, cohort: Cohort) -> None:
    """Where it comes from, then one row a flag as in the library; nothing a spreadsheet runs."""
    printed = run(root, tmp_path, "--format", "csv").splitlines(keepends=True)
    rows = list(itertools.dropwhile(lambda line: line.startswith("# "), printed))
    assert cohort.fingerprint in "".join(printed[: len(printed) - len(rows)])
    lines = list(csv.DictReader(rows))
    table = find_flags(cohort).table
    assert [line["rule"] for line in lines] == list(table["rule"])
    assert [int(line["row"]) for line in lines] == list(table["row"])
    assert [line["value"] for line in lines] == list(table["value"])
    assert not any(
        cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line.values()
    )


def test_command_prints_json(root: Path, tmp_path: Path, cohort: Cohort) -> None:
    """The same as JSON, with what it is of; rules and effect as well."""
    found = json.loads(run(root, tmp_path, "--format", "json"))
    assert found["fingerprint"] == cohort.fingerprint
    assert found["rows"] == find_flags(cohort).table.to_dict("records")
    rules = json.loads(run(root, tmp_path, "--format", "json", "--table", "rules"))
    assert rules["rows"] == find_flags(cohort).count().to_dict("records")
    options = ("--table", "effect", "--rule", "near-duplicate", "--where", "view=AP")
    effect = json.loads(run(root, tmp_path, "--format", "json", *options))
    assert [(row["n_images"], row["n_images_left"]) for row in effect["rows"]] == [(1, 0)]


def test_command_prints_the_report(root: Path, tmp_path: Path, cohort: Cohort) -> None:
    """Markdown, ready to send."""
    assert run(root, tmp_path, "--format", "markdown") == make_maintainer_report(cohort)


def test_command_refuses_an_unknown_rule(root: Path, tmp_path: Path) -> None:
    """One line says which rules there are."""
    command = ["quality", "--data", str(root), "--cache", str(tmp_path), "--rule", "nonsense"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "There is no rule 'nonsense'" in result.stderr


# ---- the demo and the real collection


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Generate a small demo."""
    from cxrlib.synthetic import generate_demo

    folder = tmp_path_factory.mktemp("demo")
    return load_cohort(generate_demo(folder / "demo", n_patients=40), store=Store(folder / "cache"))


@pytest.mark.slow
def test_demo_flags_are_what_was_planted(demo: Cohort) -> None:
    """The generator knows its odd files and its persons under two ids."""
    planted = demo.planted["planted"]
    odd: dict[str, str] = planted["odd_files"]

    def named(*kinds: str) -> set[str]:
        return {name for name, kind in odd.items() if kind in kinds}

    assert images_of(demo, "no file") == named("missing")
    assert images_of(demo, "unreadable") == named("truncated")
    assert images_of(demo, "wrong ending") == named("png named jpg")
    assert images_of(demo, "unusual mode") == named("rgba", "palette")
    groups = planted["same_person"]["groups"]
    flags = find_flags(demo).table
    two_ids = flags[flags["rule"] == "person under two ids"]
    assert set(two_ids["patient_id"]) == {patient for group in groups for patient in group}
    disagree = flags[flags["rule"] == "copies disagree"]
    assert set(disagree["patient_id"]) == set(groups[0])
    assert set(disagree["column"]) == {"view"}
    for rule in ("perhaps inverted", "perhaps arrows", "tinted", "contradiction", "two sexes"):
        assert not images_of(demo, rule), rule


REAL_COUNTS = {
    "no file": 15,
    "wrong ending": 50,
    "unusual mode": 128,
    "small": 7,
    "exact duplicate": 2,
    "near duplicate": 45,
    "copies disagree": 27,
    "person under two ids": 52,
    "equal file names": 18,
    "two sexes": 3,
    "several articles": 10,
    "no day": 206,
    "negative day": 13,
    "day out of range": 11,
    "day perhaps imputed": 42,
    "clock unknown": 496,  # 164 of the 660 with a day are of the Hannover repository
    "last image undefined": 68,
    "last image tied": 4,
    "unlikely together": 2,
    "state overlap": 26,
    "undated flag": 65,
    "misplaced cell": 5,
    "implausible value": 38,
    "date unclear": 4,
    "unknown country": 56,
    "no licence": 236,
    "restrictive licence": 457,
    "todo": 83,
    "no usable finding": 84,
    "tinted": 7,
    "few greys": 8,
}


@pytest.mark.slow
def test_real_counts(real_root: Path, tmp_path: Path) -> None:
    """Images by rule in the collection, each looked at once; the rest find nothing."""
    cohort = load_cohort(real_root, store=Store(tmp_path))
    counts = find_flags(cohort).count().set_index("rule")["n_images"]
    guessed = {"perhaps text", "perhaps arrows"}  # hang on the decoder's last bits
    assert {name: n for name, n in counts.items() if n and name not in guessed} == REAL_COUNTS
    assert 150 <= counts["perhaps text"] <= 170
    assert 60 <= counts["perhaps arrows"] <= 75
    two = find_flags(cohort).table.query("rule == 'two sexes'")
    assert set(two["patient_id"]) == {"380"}
    one, other = (
        set(find_flags(cohort).table.query(f"rule == '{rule}'")["image_id"])
        for rule in ("exact duplicate", "near duplicate")
    )
    assert one <= other


@pytest.mark.slow
def test_real_negatives_are_found(real_root: Path, tmp_path: Path) -> None:
    """Most frontal films of the collection are flagged once black and white are swapped."""
    cohort = load_cohort(real_root, store=Store(tmp_path)).select_frontal()
    assert cohort.appearance is not None
    upright = cohort.appearance["upright"].reindex(cohort.table["sha256"].dropna())
    assert np.mean(upright > 0.3) > 0.85  # the correlation of a negative has the other sign
