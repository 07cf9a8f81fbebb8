"""The scores of a run and of its shortcuts, as series of a chart."""

from collections.abc import Mapping

from cxrlib.baselines.evaluation import PermutationNull, is_number
from cxrlib.baselines.runs import Run
from cxrlib.charts.scores import Kind, Series


def list_series(
    run: Run,
    *,
    null: PermutationNull | None = None,
    metric: str = "",
    printed: Mapping[str, float] | None = None,
) -> list[Series]:
    """List the run and its shortcuts as series of a chart, all on the same images.

    Parameters
    ----------
    run : Run
    null : PermutationNull, optional
        Drawn behind the run's own scores; of `metric`.
    metric : str
    printed : mapping, optional
        Fold to the number in the paper.
    """
    bands = {}
    if null is not None:
        rows = null.table[null.table["metric"] == metric]
        bands = {
            str(row["fold"]): (float(row["low"]), float(row["high"]))
            for row in rows.to_dict("records")
            if is_number(row["low"])
        }
    return [make_series(run, printed=printed, bands=bands), *list_shortcuts(run)]


def list_shortcuts(run: Run) -> list[Series]:
    """List the shortcuts of a run as series of a chart, but for the one that it is itself."""
    return [
        Series(result.features.title, result.scores, kind="shortcut", key=name)
        for name, result in run.shortcuts.items()
        if name != run.spec.features
    ]


def make_series(
    run: Run,
    *,
    printed: Mapping[str, float] | None = None,
    bands: Mapping[str, tuple[float, float]] | None = None,
) -> Series:
    """Make the series of a run's own scores.

    Parameters
    ----------
    run : Run
    printed : mapping, optional
        Fold to the number in the paper.
    bands : mapping, optional
        Fold to the ends of 95 % of the scores with permuted labels.
    """
    return Series(
        run.result.features.title,
        run.scores,
        kind=_find_kind(run),
        key=run.spec.features,
        printed=printed or {},
        null=bands or {},
    )


def _find_kind(run: Run) -> Kind:
    """Find what kind of run it is: image features, a shortcut, or a control."""
    if run.result.features.kind == "shortcut":
        return "shortcut"
    is_control = run.result.features.kind == "prevalence" or "untrained" in run.spec.features
    return "control" if is_control else "features"
