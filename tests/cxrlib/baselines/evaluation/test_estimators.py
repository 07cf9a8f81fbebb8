"""Estimators by name: one spelling each, words of the field, and a sentence for what is none."""

import pytest

from cxrlib.baselines.evaluation import (
    CORRECTED,
    PUBLISHED,
    LocoSettings,
    describe_estimator,
    find_method,
    is_own,
    is_slow,
    spell_estimator,
    title_estimator,
)
from cxrlib.errors import SelectionError

OWN = "own:RandomForestClassifier(n_estimators=50)#0123abcd"


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("linear", "linear"),
        ("linear:1.0", "linear:1"),
        ("linear:1e-3", "linear:0.001"),
        ("linear:0.10", "linear:0.1"),
        ("forest", "forest"),
        (OWN, OWN),
    ],
)
def test_spell_estimator_has_one_spelling(name: str, spelled: str) -> None:
    """So that one model is one run."""
    assert spell_estimator(name) == spelled
    assert spell_estimator(spelled) == spelled


@pytest.mark.parametrize(
    "name",
    ["", "oracle", "Linear", "forest:3", "own:x", "own:x#0123abcg", "own:\n#0123abcd", "own:#12"],
)
def test_spell_estimator_refuses_what_is_none(name: str) -> None:
    """The sentence lists what there is."""
    with pytest.raises(SelectionError, match=r"There is no model .* There are linear, forest"):
        spell_estimator(name)


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "1e7", "1e-9", "x", "１", "1_0"])
def test_spell_estimator_refuses_a_c_out_of_its_range(text: str) -> None:
    """Nothing but a plain number that a fit can use."""
    with pytest.raises(SelectionError, match="must be a number from 1e-06 to 1e\\+06"):
        spell_estimator(f"linear:{text}")


@pytest.mark.parametrize(
    ("name", "of_classes", "of_numbers"),
    [
        (
            "linear",
            "logistic regression, C chosen in training countries",
            "ridge regression, penalty chosen in training countries",
        ),
        ("linear:0.1", "logistic regression, C = 0.1", "ridge regression, penalty 10"),
        (
            "paper",
            "logistic regression, C = 1 (as in the paper)",
            "linear regression (as in the paper)",
        ),
        ("forest", "random forest of 500 trees", "random forest of 500 trees"),
        (OWN, "RandomForestClassifier(n_estimators=50)", "RandomForestClassifier(n_estimators=50)"),
    ],
)
def test_describe_estimator_says_what_is_fitted(
    name: str, of_classes: str, of_numbers: str
) -> None:
    """By the task's kind, in the field's words."""
    for kind, words in (("classes", of_classes), ("number", of_numbers)):
        assert describe_estimator(name, task_kind=kind, hold_out="country") == words


@pytest.mark.parametrize(
    ("name", "of_classes", "of_numbers"),
    [
        ("linear", "Logistic, C chosen", "Ridge, penalty chosen"),
        ("linear:0.1", "Logistic, C = 0.1", "Ridge, penalty 10"),
        ("paper", "As in the paper", "As in the paper"),
        (OWN, "RandomForestClassifier(n_estimators=50)", "RandomForestClassifier(n_estimators=50)"),
    ],
)
def test_title_estimator_fits_a_list(name: str, of_classes: str, of_numbers: str) -> None:
    """In a few words by the task's kind; pixels have a model of their own."""
    assert title_estimator(name, task_kind="classes") == of_classes
    assert title_estimator(name, task_kind="number") == of_numbers
    assert title_estimator(name, task_kind="classes", feature_kind="pixels") == "Neural network"


def test_describe_estimator_says_that_pixels_have_a_model_of_their_own() -> None:
    """Whatever the protocol's default is called."""
    words = describe_estimator("linear", task_kind="classes", feature_kind="pixels")
    assert words == "neural network on pixels (as in the paper)"


def test_loco_settings_keep_the_protocols_own_model_as_none() -> None:
    """By its name or without: one run; and under another protocol that one's own."""
    assert LocoSettings(estimator="linear") == LocoSettings()
    assert LocoSettings(PUBLISHED, estimator="paper") == LocoSettings(PUBLISHED)
    assert (LocoSettings().model, LocoSettings(PUBLISHED).model) == ("linear", "paper")
    assert LocoSettings(CORRECTED, estimator="paper").model == "paper"


@pytest.mark.parametrize("name", ["linear", "linear:1", "forest", OWN])
def test_loco_settings_of_the_published_protocol_take_the_papers_model_only(name: str) -> None:
    """The paper is repeated, not varied."""
    with pytest.raises(SelectionError, match=r"fits the paper's models only.*corrected protocol"):
        LocoSettings(PUBLISHED, estimator=name)


def test_is_slow_names_what_a_page_makes_a_job() -> None:
    """And what its name does not bring back."""
    assert [
        name
        for name in ("linear", "paper", "neighbours", "forest", "boosting", OWN)
        if is_slow(name)
    ] == ["forest", "boosting", OWN]
    assert is_own(OWN)
    assert not is_own("forest")


def test_find_method_leaves_pixels_to_the_network() -> None:
    """Another model of them is refused with what to do."""
    assert find_method("linear", "classes", "pixels") == "mlp"
    with pytest.raises(SelectionError, match=r"paper's network only.*'forest'"):
        find_method("forest", "classes", "pixels")
