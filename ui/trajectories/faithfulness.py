"""Faithfulness of the map: neighbours without it, step lengths, map quality, seeds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cxrlib.charts.maps import explain_path_share, explain_steps, plot_path_share, plot_steps
from cxrlib.charts.style import Theme
from cxrlib.cohort import STATE_TITLES, Cohort
from cxrlib.embedding import FeatureSpace
from cxrlib.jobs import JobRequest
from cxrlib.maps import (
    N_SEEDS,
    MarkedImages,
    Spread,
    SurfaceWish,
    Trajectory,
    describe_faithfulness,
    describe_spread,
    describe_steps,
    load_spread,
    mark_bad,
    measure_faithfulness,
    measure_steps,
    measure_typical,
)
from cxrlib.number_text import format_units
from cxrlib.patients import NEAREST, PathShares, describe_path_shares, path_shares, tabulate_shares
from cxrlib.selection import Selection
from cxrlib.storage import Store
from ui.session.current_cohort import current_entry
from ui.session.features import load_feature_space
from ui.session.filters import current_selection, load_selected
from ui.session.jobs import offer_job
from ui.session.resources import Current, find_cache, time_changes
from ui.trajectories.image_beside import remember_click, show_which_image
from ui.widgets.choice import choose_part
from ui.widgets.figure import show_figure
from ui.widgets.origin import saved_today
from ui.widgets.table import show_table
from ui.widgets.text import show_heading, show_quiet, show_text

__all__ = ["PARTS", "show_faithfulness"]

PARTS = ("Neighbours", "Step lengths", "Map quality")
HEADING = "How reliable is this map?"


def show_faithfulness(
    current: Current,
    paths: Sequence[Trajectory],
    *,
    wish: SurfaceWish,
    provenance: Sequence[str],
    filters: Sequence[str] = (),
) -> None:
    """Show one of three answers to how reliable the map is.

    Parameters
    ----------
    current : Current
    paths : sequence of Trajectory
        Of the chosen patients.
    wish : SurfaceWish
        The background: its definition of bad counts here too.
    provenance : sequence of str
        `cxrlib.reports.list_provenance`.
    filters : sequence of str
        What they keep. They leave out no neighbour here.
    """
    st.subheader(HEADING, anchor=False)
    part = choose_part("belief", HEADING, PARTS)
    if part == PARTS[0]:
        _show_shares(current, paths, _choose_bad(wish), provenance, filters)
    elif part == PARTS[1]:
        _show_steps(current, paths, provenance)
    else:
        _show_whole(current, provenance)


# ---- kept between runs


def _find_space(current: Current) -> FeatureSpace:
    """Find the space that the map was made from, with all X-rays."""
    features = current.mapped.projection.settings.features
    return load_feature_space(current.cohort, current.extractor, features)


@dataclass(frozen=True)
class _Bad:
    """Hold which images are bad: a definition and, where the filters define it, the filters."""

    wish: SurfaceWish
    selection: Selection | None


def _choose_bad(wish: SurfaceWish) -> _Bad:
    """Take the definition chosen for the background, and leave how it is drawn."""
    plain = replace(wish, kind="share", view=None, bandwidth=1.0)
    return _Bad(plain, current_selection() if wish.definition == "current filter" else None)


@lru_cache(maxsize=16)
def _mark(cohort: Cohort, bad: _Bad) -> MarkedImages:
    """Mark which images of a cohort are bad, on the map or not."""
    kept = None
    if bad.selection is not None:
        kept_ids = set(load_selected(cohort, bad.selection).table["image_id"])
        kept = cohort.table["image_id"].isin(kept_ids).to_numpy(dtype=bool)
    return mark_bad(
        cohort.table,
        bad.wish.definition,
        severity=bad.wish.severity,
        at_least=bad.wish.at_least,
        selected=kept,
    )


@lru_cache(maxsize=512)
def _find_shares(cohort: Cohort, space: FeatureSpace, patient_id: str, bad: _Bad) -> PathShares:
    marked = _mark(cohort, bad)
    return path_shares(
        cohort.table,
        space,
        patient_id,
        bad=marked.bad,
        known=marked.known,
        duplicates=cohort.duplicates,
    )


@dataclass(frozen=True, eq=False)
class _Described:
    """Hold the shares of the chosen patients: as they are, as a table, as text, in words."""

    shares: tuple[PathShares, ...]
    table: pd.DataFrame
    shown: pd.DataFrame
    words: str


@lru_cache(maxsize=64)
def _describe_shares(
    cohort: Cohort, space: FeatureSpace, patients: tuple[str, ...], bad: _Bad
) -> _Described:
    shares = tuple(_find_shares(cohort, space, patient, bad) for patient in patients)
    table = tabulate_shares(shares)
    return _Described(shares, table, _format_shares(table), describe_path_shares(shares))


@lru_cache(maxsize=32)
def _draw_shares(described: _Described, theme: Theme) -> go.Figure:
    """Draw them once for all sessions: most runs of the page change something else."""
    return plot_path_share(described.shares, theme=theme)


@lru_cache(maxsize=8)
def _find_typical(current: Current, space: FeatureSpace) -> tuple[float, float]:
    return measure_typical(space, current.mapped.projection)


@lru_cache(maxsize=8)
def _measure_map(current: Current, space: FeatureSpace) -> pd.DataFrame:
    mapped = current.mapped
    raw = getattr(mapped.embeddings, mapped.projection.settings.features)
    return measure_faithfulness(space, mapped.projection, raw=raw)


@lru_cache(maxsize=8)
def _find_spread(current: Current, changed: tuple[int, ...]) -> Spread | None:
    mapped = current.mapped
    return load_spread(mapped.embeddings, mapped.projection.settings, Store(find_cache()))


def _load_seeds(current: Current) -> Spread | None:
    """Load the spread over seeds; None where the map has no seed, or it is not computed yet."""
    if current.mapped.projection.settings.method != "umap":
        return None
    return _find_spread(current, time_changes(find_cache() / "spreads"))


def _offer_seeds(current: Current) -> None:
    """Offer to compute the map with other seeds, where it has one and that was not done."""
    settings = current.mapped.projection.settings
    if settings.method != "umap":
        show_quiet("PCA is deterministic, so there is no seed to vary.")
        return
    entry = current_entry()
    request = JobRequest(
        "seeds",
        {
            "data": str(entry.path),
            "extractor": current.extractor.key,
            "settings": settings.to_dict(),
        },
    )
    show_text(
        "Different seeds give different maps. Trust only what persists across seeds. Computing "
        "them takes about a minute for a thousand images, once for the whole server."
    )
    offer_job(
        request,
        label=f"Seeds of the map of {entry.title} by {current.extractor.title}",
        button=f"Compute {N_SEEDS} maps with other seeds",
    )


# ---- neighbours


SHARES_LINE = (
    "If the bar crosses the dashed line, the neighbours tell no more than chance; most do."
)
#: Bars of a share of one half: 95 % by Wilson's interval, of 10 images 53 points, of 20 40.
SHARES_CAVEAT = (
    f"Always the {NEAREST} nearest, a number fixed beforehand: fewer give bars of half the scale, "
    "and many more are not near. The shares describe similar images and are not a forecast: a "
    "machine, a position or a crop also makes images similar."
)


def _show_shares(
    current: Current,
    paths: Sequence[Trajectory],
    bad: _Bad,
    provenance: Sequence[str],
    filters: Sequence[str],
) -> None:
    """Show the share of bad among the nearest images of others along the days of the paths."""
    if not paths:
        show_text("Select a patient above to see the states of the nearest images, day by day.")
        return
    if bad.selection is not None and bad.selection.is_empty:
        show_text(
            "The background counts images that the filters keep, but no filter is set. Set a "
            "filter, or choose another background."
        )
        return
    space = _find_space(current)
    patients = tuple(path.patient_id for path in paths)
    described = _describe_shares(current.cohort, space, patients, bad)
    meaning = _describe_bad(_mark(current.cohort, bad))
    details = f"{meaning} {explain_path_share(described.shares)} {SHARES_CAVEAT}"
    if filters:
        details += " Filters leave out no neighbour and no day here."
    saved = saved_today("near-states", [*provenance, meaning])
    show_text(_describe_apart(described.table))
    show_figure(
        _draw_shares(described, st.context.theme.type or "light"),
        key="path_share",
        alt=f"{meaning} {described.words}",
        numbers=described.table,
        caption=f"{SHARES_LINE}\n{details}",
        **saved,
        heading="States of the nearest images of other persons and other sources",
        draw=partial(plot_path_share, described.shares),
        on_select=partial(remember_click, "path_share"),
        selection_mode="points",
        config={"displayModeBar": False},
    )
    show_which_image(current, set(described.table["image_id"]))
    with st.expander("Show as a table"):
        show_table(
            described.shown,
            key="path_shares",
            **saved,
            numbers=described.table,
        )


def _describe_bad(marked: MarkedImages) -> str:
    """Describe which images are bad, as chosen for the background, and among which images."""
    words = marked.definition
    return f"Counted, as in the background: {words.label}, among {words.known_label}."


def _describe_apart(table: pd.DataFrame) -> str:
    """Describe how many images differ from chance."""
    there = table[table["reason"] == ""]
    if there.empty:
        return "The share is not estimable for any of these images; the table lists the reasons."
    n_apart = int(there["differs"].ne("").sum())
    return (
        f"{n_apart} of {format_units(len(there), 'interval')} exclude the share of the whole view; "
        "about 1 in 20 would by chance, and images of one patient are not independent."
    )


def _format_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Format shares as text, each with its denominator, and why there is none."""
    rows = []
    for row in table.to_dict("records"):
        is_there = not row["reason"]
        rows.append(
            {
                "Patient": row["patient_id"],
                "Day": "–" if pd.isna(row["day"]) else f"{row['day']:g}",
                "View": row["view"] or "–",
                "State": STATE_TITLES[row["state"]],
                "Among the nearest": f"{row['n_bad']} of {row['n_neighbours']} "
                f"({100 * row['share']:.0f} %, {100 * row['low']:.0f}-{100 * row['high']:.0f})"
                if is_there
                else "not estimable",
                "Persons": str(row["n_persons"]) if row["n_persons"] else "–",
                "Among all of the view": f"{100 * row['overall']:.0f} % of {row['n_overall']:,}"
                if row["n_overall"]
                else "–",
                "Remark": row["reason"] or row["differs"],
            }
        )
    return pd.DataFrame(rows)


# ---- steps


STEPS_LINE = "A step that is long on the map but short in feature space is an artefact of the map."
STEPS_CAVEAT = (
    "So is a step that is short on the map but long in feature space. Lengths do not tell how ill "
    "a patient is: a change of view or position alone is a long step."
)


def _show_steps(current: Current, paths: Sequence[Trajectory], provenance: Sequence[str]) -> None:
    """Show each step in feature space beside its length on the map."""
    if not any(path.steps for path in paths):
        show_text("No step to measure: select a patient with images of two recorded days.")
        return
    space = _find_space(current)
    spread = _load_seeds(current)
    steps = measure_steps(
        paths,
        space,
        current.mapped.projection,
        spread=spread,
        typical=_find_typical(current, space),
    )
    saved = saved_today("steps", provenance)
    show_figure(
        partial(plot_steps, steps),
        key="step_lengths",
        alt=describe_steps(steps),
        numbers=steps.table,
        caption=f"{STEPS_LINE}\n{STEPS_CAVEAT} {explain_steps(steps)}",
        **saved,
        heading="Step lengths in feature space and on the map",
        config={"displayModeBar": False},
    )
    if spread is None:
        _offer_seeds(current)
    with st.expander("Show as a table"):
        number = partial(st.column_config.NumberColumn, format="%.2f")
        days = partial(st.column_config.NumberColumn, format="%g")
        show_table(
            steps.table.assign(state=steps.table["state"].map(STATE_TITLES)),
            key="steps",
            numbers=steps.table,
            **saved,
            placeholder="–",
            column_config={
                "patient_id": "Patient",
                "day_from": days("From day"),
                "day_to": days("To day"),
                "state": "Leads to",
                "on_map": number("Map units"),
                "in_space": number("SD per feature"),
                "map_relative": number("On the map, relative"),
                "space_relative": number("In feature space, relative"),
                "seeds_low": number("Other seeds, shortest"),
                "seeds_high": number("Other seeds, longest"),
            },
        )


# ---- map quality


WHOLE_CAVEAT = (
    "Trustworthiness falls where the map shows false neighbours, continuity where it separates "
    "true ones. Neither tells whether similar images are alike in illness."
)


def _show_whole(current: Current, provenance: Sequence[str]) -> None:
    """Show how well the map keeps neighbours, and how much of it depends on the seed."""
    space = _find_space(current)
    table = _measure_map(current, space)
    show_heading("Does the map keep neighbours?")
    show_text(describe_faithfulness(table.head(1)))  # the rest is in the table
    show_table(
        _format_measures(table),
        key="faithfulness",
        **saved_today("faithfulness", provenance),
        numbers=table,
    )
    show_quiet(WHOLE_CAVEAT)
    show_heading("Does it depend on the seed?")
    spread = _load_seeds(current)
    if spread is None:
        _offer_seeds(current)
        return
    show_text(describe_spread(spread, _find_typical(current, space)[1]))
    show_quiet(
        "Maps are first rotated, mirrored, shifted and scaled onto this one (Procrustes), since "
        "none of these has a meaning."
    )
    moved = pd.DataFrame({"image_id": spread.image_ids, "moved_map_units": spread.typical})
    moved = moved.sort_values("moved_map_units", ascending=False, ignore_index=True)
    with st.expander("Image by image"):
        show_table(
            moved,
            key="moved",
            **saved_today("seeds", provenance),
            column_config={
                "image_id": "Image",
                "moved_map_units": st.column_config.NumberColumn(
                    "Median displacement across seeds (map units)", format="%.2f"
                ),
            },
        )


def _format_measures(table: pd.DataFrame) -> pd.DataFrame:
    """Format the measures as text; what is not estimable has its reason."""
    rows = [
        {
            "Features": row["numbers"],
            "Neighbours": row["k"],
            "Trustworthiness": "–" if row["reason"] else f"{row['trustworthiness']:.3f}",
            "Continuity": "–" if row["reason"] else f"{row['continuity']:.3f}",
            "By chance": "–" if row["reason"] else f"{row['chance']:.3f}",
            "Nearest kept": "–" if row["reason"] else f"{100 * row['kept']:.0f} %",
            "Kept by chance": "–" if row["reason"] else f"{100 * row['kept_chance']:.0f} %",
            "Images": f"{row['n_measured']:,} of {row['n_images']:,}",
            "Remark": row["reason"],
        }
        for row in table.to_dict("records")
    ]
    shown = pd.DataFrame(rows)
    return shown if shown["Remark"].any() else shown.drop(columns="Remark")
