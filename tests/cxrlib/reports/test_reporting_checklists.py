"""Reporting items: the guidelines' own numbers, all of them, and nothing made up."""

import re
from typing import Any

import pytest

from cxrlib.reports import AUTHOR, answer_items
from cxrlib.reports.reporting_checklists import CLAIM, GUIDELINES, ITEMS, TRIPOD_AI

#: Main items and letters of TRIPOD+AI: Collins et al. 2024, Table 1 of the statement.
LETTERS = {3: 3, 5: 2, 6: 3, 8: 3, 9: 3, 12: 7, 18: 6, 20: 3, 23: 2, 27: 3}


def make_small_manifest(**changes: Any) -> dict[str, Any]:
    """Write a manifest of two groups, one of them scored."""
    score = {"metric": "auroc", "value": 0.7, "sd": None, "low": 0.5, "high": None}
    fold = {
        **dict.fromkeys(("n_images", "n_persons", "n_train_images", "n_train_persons"), 9),
        **dict.fromkeys(("n_positive", "n_negative", "n_guarded"), 2),
        "events_per_parameter": 0.5,
    }
    step = {"n_images": 18, "n_patients": 17, "n_persons": 16, "reasons": ""}
    card = {
        "population": "X-rays.",
        "moment": "The image.",
        "outcome": "Yes.",
        "horizon": "none",
        "question": "Will it?",
        "motivation": "",
        "caveats": ["It is small."],
    }
    manifest: dict[str, Any] = {
        "made_by": {"cxrlib": "0.1.0", "written": "2026-01-01"},
        "run": {"id": "0" * 12, "command": "python -m cxrlib loco", "versions": {"numpy": "1"}},
        "cohort": {"name": "C", "fingerprint": "f", "is_synthetic": False, "filters": []},
        "task": {"title": "Survival", "views": ["PA"], "card": card},
        "flow": [{"step": "all rows", **step}, {"step": "view", **step, "reasons": "2 view L"}],
        "features": {
            "title": "18 outputs",
            "kind": "network",
            "origin": ["By a network"],
            "n_columns": 18,
            "n_parameters": 19,
            "n_missing": 2,
        },
        "protocol": {
            "name": "corrected",
            "sentences": ["Each group is held out once."],
            "hold_out": "region",
            "guards": ["person", "article"],
            "is_standardised": True,
            "model": "Logistic regression.",
            "tuned": "Nothing was tuned.",
            "is_linear": True,
            "ranked_by": "decision values",
            "output": "Log-odds",
            "seed": 3,
            "model_seeds": [],
            "n_resamples": 1000,
        },
        "main_metric": "auroc",
        "metric_names": {"auroc": "AUROC", "auprc": "AUPRC"},
        "folds": [{"fold": "Asia", **fold}, {"fold": "Europe", **fold}],
        "scores": [
            {"fold": "Asia", **score},
            {"fold": "Europe", **score, "value": None},
            {"fold": "pooled", **score, "high": 0.9},
        ],
        "shortcuts": [{"title": "View only", "fold": "pooled", **score}],
        "notes": ["One did not converge"],
        "runs": [{"id": "0" * 12}, {"id": "1" * 12}],
        "counts": {"task": 2, "outcome": 3, "cohort": 9},
        "licences": ["Licences of 18 images: CC BY: 18"],
    }
    return manifest | changes


def test_tripod_has_its_52_items_in_order() -> None:
    """27 items, those with letters in full: no item is left out and none is added."""
    expected = [
        f"{number}{letter}"
        for number in range(1, 28)
        for letter in ("abcdefg"[: LETTERS[number]] if number in LETTERS else [""])
    ]
    assert [item["item"] for item in ITEMS if item["guideline"] == TRIPOD_AI] == expected
    assert len(expected) == 52


def test_claim_has_its_44_items_in_order() -> None:
    """The 2024 update has 44 items."""
    numbers = [item["item"] for item in ITEMS if item["guideline"] == CLAIM]
    assert numbers == [str(number) for number in range(1, 45)]


def test_titles_are_short_and_there() -> None:
    """Titles name an item; the guideline's own text is not copied."""
    assert all(5 < len(item["title"]) < 70 for item in ITEMS)
    assert set(GUIDELINES) == {item["guideline"] for item in ITEMS}


def test_an_item_without_an_answer_says_author() -> None:
    """Ethics, funding and interpretation are nobody's but the author's."""
    table = answer_items(make_small_manifest())
    of_tripod = table[table["guideline"] == TRIPOD_AI].set_index("item")
    for number in ("2", "3b", "3c", "5b", "8b", "8c", "17", "18a", "18b", "18d", "19", "25"):
        assert of_tripod.loc[number, "answer"] == AUTHOR
        assert of_tripod.loc[number, "by"] == AUTHOR
    assert ((table["answer"] == AUTHOR) == (table["by"] == AUTHOR)).all()
    assert set(table["by"]) == {"manifest", "manifest, author", "author"}


def test_answers_are_whole_sentences() -> None:
    """Each answer begins and ends as a sentence does, with no hole in it."""
    for answer in answer_items(make_small_manifest())["answer"]:
        if answer != AUTHOR:
            assert answer.endswith((".", "?")), answer
            assert not re.search(r"None|nan|\.\.|  |\{|\}|: \.|; \.", answer), answer


def test_answers_come_from_the_manifest() -> None:
    """What a run knows stands in the items that ask for it."""
    table = answer_items(make_small_manifest()).set_index(["guideline", "item"])["answer"]
    assert "0.70" in table[TRIPOD_AI, "23a"]
    assert "not estimable: Europe" in table[TRIPOD_AI, "23a"]
    assert "pooled 0.70 (95 % interval 0.50 to 0.90)" in table[CLAIM, "37"]
    assert "2 view L" in table[TRIPOD_AI, "11"]
    assert "2 images had no feature values" in table[CLAIM, "12"]
    assert "no person and no article" in table[CLAIM, "20"]
    assert "2 runs were made" in table[CLAIM, "26"]
    assert "numpy 1" in table[CLAIM, "23"]
    assert "Retrospective" in table[CLAIM, "5"]


@pytest.mark.parametrize(
    ("part", "change", "item", "words"),
    [
        ("cohort", {"is_synthetic": True}, (CLAIM, "5"), "generated by a program"),
        ("features", {"kind": "shortcut"}, (TRIPOD_AI, "9c"), AUTHOR),
        ("features", {"kind": "outside"}, (TRIPOD_AI, "9a"), "does not know how they were chosen"),
        ("features", {"kind": "pixels"}, (CLAIM, "24"), "Random initialisation with seeds 0, 1"),
        ("protocol", {"guards": []}, (CLAIM, "20"), "can be in both training and test"),
        ("protocol", {"is_standardised": False}, (TRIPOD_AI, "12b"), "no scaling"),
    ],
)
def test_answers_follow_what_was_done(
    part: str, change: dict[str, object], item: tuple[str, str], words: str
) -> None:
    """Another cohort, feature set or protocol has another answer."""
    manifest = make_small_manifest()
    manifest["protocol"]["model_seeds"] = [0, 1]
    manifest[part] |= change
    table = answer_items(manifest).set_index(["guideline", "item"])["answer"]
    assert words in table[item]


def test_a_run_without_folds_or_scores_is_told() -> None:
    """One region only: the items say that nothing could be computed, and nothing fails."""
    table = answer_items(make_small_manifest(folds=[], scores=[], shortcuts=[], runs=[{}]))
    answers = table.set_index(["guideline", "item"])["answer"]
    assert "No fold could be formed" in answers[TRIPOD_AI, "21"]
    assert "none" in answers[TRIPOD_AI, "23a"]
    assert "1 run was made" in answers[CLAIM, "26"]


def test_answers_name_what_is_held_out_in_words() -> None:
    """Parts of the persons are called so, not by the option of the command line."""
    manifest = make_small_manifest()
    manifest["protocol"]["hold_out"] = "persons:5"
    answers = " ".join(answer_items(manifest)["answer"])
    assert "each part of the persons held out once" in answers
    assert "persons:5" not in answers
