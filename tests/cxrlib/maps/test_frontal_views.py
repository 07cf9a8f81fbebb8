"""AP Erect is frontal for map, tables, states and tasks, but where the paper counts."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from cxrlib.baselines.tasks import find_task, read_task, take_rows
from cxrlib.cohort import (
    FRONTAL_VIEWS,
    PAPER_FRONTAL_VIEWS,
    PAPER_PATIENTS,
    Cohort,
    join_cohorts,
    load_cohort,
)
from cxrlib.maps import ProjectionSettings, default_settings, list_flow
from cxrlib.quality import count_without_flagged
from cxrlib.summary import compare_published, select_counted, select_published
from tests.cohort_factory import make_cohort

VIEWS = ("PA", "AP", "AP Supine", "AP Erect", "L")
PAPER_ROWS: list[dict[str, object]] = [
    {"patientid": patient, "filename": file} for patient, file in PAPER_PATIENTS.items()
]


def load(folder: Path, more: list[dict[str, object]] | None = None, **planted: object) -> Cohort:
    """Load a cohort of one patient with an image of each view on days 1 to 5, who died."""
    rows: list[Mapping[str, object]] = [
        {"patientid": "e", "view": view, "offset": day, "survival": "N"}
        for day, view in enumerate(VIEWS, start=1)
    ]
    return load_cohort(make_cohort(folder, [*rows, *(more or [])], planted=planted or None))


def test_frontal_views_has_ap_erect_in_a_cohort_that_has_it(tmp_path: Path) -> None:
    """Table, last image, map and its flow take it, and a selection remembers that it does."""
    cohort = load(tmp_path / "own")
    assert cohort.frontal_views == FRONTAL_VIEWS
    assert cohort.select_frontal().table["view"].tolist() == list(VIEWS[:4])
    assert cohort.select_views(["L"]).frontal_views == FRONTAL_VIEWS
    assert cohort.table["is_last_image"].tolist() == ["no", "no", "no", "yes", "undefined"]
    assert cohort.table["state"].tolist()[3] == "bad"
    assert default_settings(cohort) == ProjectionSettings(views=FRONTAL_VIEWS)
    assert list_flow(cohort)[-1].n_images == 4
    assert count_without_flagged(cohort, ["no day"])["n_published"].tolist() == [4]


@pytest.mark.parametrize("is_demo", [False, True])
def test_frontal_views_are_the_papers_in_its_collection_and_the_demo(
    tmp_path: Path, is_demo: bool
) -> None:
    """One file of each patient of Figure 3 tells the collection, planted.json the demo."""
    planted = {"name": "Demo"} if is_demo else {}
    cohort = load(tmp_path / "paper", [] if is_demo else PAPER_ROWS, **planted)
    assert cohort.frontal_views == PAPER_FRONTAL_VIEWS
    assert default_settings(cohort) == ProjectionSettings()
    assert cohort.table["is_last_image"].tolist()[2:4] == ["yes", "undefined"]
    n_images = 3 + (0 if is_demo else 3)
    assert select_counted(cohort).n_images == select_published(cohort).n_images == n_images
    assert take_rows(cohort, read_task("survival; views=PA,AP; days=any")).n_images == 2


def test_frontal_views_need_all_three_patients_of_the_paper(tmp_path: Path) -> None:
    """A cohort with two of the numbers, or with all numbers and other files, is another."""
    assert load(tmp_path / "two", PAPER_ROWS[:2]).frontal_views == FRONTAL_VIEWS
    others = [{**row, "filename": f"x{row['filename']}"} for row in PAPER_ROWS]
    assert load(tmp_path / "files", others).frontal_views == FRONTAL_VIEWS


def test_frontal_views_without_ap_erect_keep_every_key(tmp_path: Path) -> None:
    """The default map of a cohort without such images has the settings that it always had."""
    cohort = load_cohort(make_cohort(tmp_path / "plain", [{"view": "PA"}, {"view": "L"}]))
    assert default_settings(cohort) == ProjectionSettings()
    erect = {"view": "AP Erect", "modality": "CT"}
    assert default_settings(load_cohort(make_cohort(tmp_path / "ct", [{}, erect]))) == (
        ProjectionSettings()
    )


def test_select_published_counts_as_the_paper_in_every_cohort(tmp_path: Path) -> None:
    """Beside the paper's numbers AP Erect is not frontal; in a table of one's own it is."""
    cohort = load(tmp_path / "own")
    assert select_counted(cohort).n_images == 4
    assert select_published(cohort).n_images == 3
    assert select_counted(cohort, "view").n_images == select_published(cohort, "view").n_images
    compared = compare_published(cohort, "table-3").set_index(["row", "column"])
    assert compared.loc[("Totals", "n_images"), "ours"] == 3


def test_take_rows_takes_ap_erect_with_ap(tmp_path: Path) -> None:
    """Of AP tasks only, once, and not as the published protocol takes them."""
    cohort = load(tmp_path / "own")

    def views(text: str, **how: bool) -> list[str]:
        return sorted(
            take_rows(cohort, read_task(f"survival; days=any; {text}"), **how).table["view"]
        )

    assert views("views=PA,AP") == ["AP", "AP Erect", "PA"]
    assert views("views=PA,AP", as_published=True) == ["AP", "PA"]
    assert views("views=PA") == ["PA"]
    assert views("views=AP,AP Erect") == ["AP", "AP Erect"]
    assert views("views=AP,AP Erect", as_published=True) == ["AP", "AP Erect"]
    assert take_rows(cohort, find_task("survival")).task.is_published


def test_join_cohorts_counts_as_the_paper_where_one_is_its(tmp_path: Path) -> None:
    """Two of one's own count AP Erect; with the collection among them none does."""
    own, other = load(tmp_path / "own"), load(tmp_path / "other", [{"view": "PA"}])
    paper = load(tmp_path / "paper", PAPER_ROWS)
    assert join_cohorts(own, other).frontal_views == FRONTAL_VIEWS
    assert join_cohorts(own, paper).frontal_views == PAPER_FRONTAL_VIEWS


def test_frontal_views_of_the_real_collection_are_the_papers(real_root: Path) -> None:
    """Its one AP Erect image is in no count, on no default map and in no task."""
    cohort = load_cohort(real_root, inspect_images=False)
    assert (cohort.table["view"] == "AP Erect").sum() == 1
    assert cohort.frontal_views == PAPER_FRONTAL_VIEWS
    assert select_counted(cohort).n_images == 697
    for name in ("covid-19", "viral-or-bacterial", "survival"):
        plain, published = (
            take_rows(cohort, find_task(name), as_published=each).table for each in (False, True)
        )
        assert plain.equals(published)
