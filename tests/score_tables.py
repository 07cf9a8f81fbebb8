"""Made-up scores of held-out groups, with the columns that an evaluation gives."""

import math

import pandas as pd

NAN = float("nan")
FEW = "1 person of the class 'yes': not estimable below 5."
#: Fold: positive and negative images, value, low, high, reason.
REGIONS = {
    "Americas": (4, 0, NAN, NAN, NAN, "4 images, all of the class 'yes': a score needs both."),
    "Asia": (15, 31, 0.75, 0.55, 0.9, ""),
    "Europe": (14, 15, 0.5, 0.3, 0.7, ""),
    "Oceania": (1, 9, NAN, NAN, NAN, FEW),
}


def make_scores(regions=None, *, metric="auroc", mean=0.625, sd=0.18, pooled=0.6, shift=0.0):
    """Make the scores of one metric: groups, their mean and the pooled."""
    rows = [
        score_row(fold, metric, value + shift, low + shift, high + shift, yes + no, reason)
        for fold, (yes, no, value, low, high, reason) in (regions or REGIONS).items()
    ]
    why = "" if not math.isnan(mean) else "1 region with a score: a mean needs 2."
    rows.append(
        score_row("mean", metric, mean, mean - 0.1, mean + 0.1, 75, why) | {"sd": sd, "n_folds": 2}
    )
    rows.append(score_row("pooled", metric, pooled, pooled - 0.1, pooled + 0.1, 79, ""))
    return pd.DataFrame(rows)


def score_row(fold, metric, value, low, high, n_images, reason):
    """Make a row of scores."""
    return {
        "fold": fold,
        "metric": metric,
        "value": value,
        "sd": NAN,
        "low": low,
        "high": high,
        "n_images": n_images,
        "n_persons": max(n_images - 3, 1),
        "n_folds": 1,
        "n_used": 0 if reason else 990,
        "n_dropped": 0 if reason else 10,
        "reason": reason,
    }


def make_folds(regions=None):
    """Make the counts of each fold's test images."""
    return pd.DataFrame(
        [
            {"fold": fold, "n_positive": yes, "n_negative": no, "is_scored": not reason}
            for fold, (yes, no, *_, reason) in (regions or REGIONS).items()
        ]
    )


def make_many(n=25, n_scored=4):
    """Make sources with names of forty letters, most without a score."""
    return {
        f"a-hospital-with-a-very-long-name{k:02d}.org.uk": (
            (6 + k, 7, 0.5 + k / 100, 0.4, 0.8, "") if k < n_scored else (1, 6, NAN, NAN, NAN, FEW)
        )
        for k in range(n)
    }
