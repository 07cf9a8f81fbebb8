"""How far to believe the map: who is near without it, its steps, its neighbours, its seeds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache, partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cxrlib.charts.maps import explain_path_share, explain_steps, plot_path_share, plot_steps
from cxrlib.charts.style import Theme
from cxrlib.cohort import Cohort
from cxrlib.embedding import EmbeddingSet, Features, Space, lay_out_space, load_embeddings
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
from cxrlib.patients import NEAREST, PathShares, describe_path_shares, path_shares, shares_table
from cxrlib.selection import Selection
from cxrlib.storage import EmbeddingStore, Store
from ui.session.current_cohort import current_entry
from ui.session.filters import current_selection, load_selected
from ui.session.jobs import offer_job
from ui.session.resources import Current, find_cache, time_changes
from ui.trajectories.image_beside import remember_click, tell_shown
from ui.widgets.choice import choose_part
from ui.widgets.figure import show_figure
from ui.widgets.table import show_table
from ui.widgets.text import show_heading, show_quiet, show_text

__all__ = ["PARTS", "show_belief"]

# The words are the values: what stands in the address is what stands on the screen.
PARTS = ("who is near", "steps", "the whole map")
HEADING = "How far to believe the map"


def show_belief(
    current: Current,
    paths: Sequence[Trajectory],
    *,
    wish: SurfaceWish,
    provenance: Sequence[str],
    filters: Sequence[str] = (),
) -> None:
    """Show one of three answers to how far the map can be believed.

    Parameters
    ----------
    current : Current
    paths : sequence of Trajectory
        Of the chosen patients.
    wish : SurfaceWish
        What is drawn behind the points: its definition of bad counts here too.
    provenance : sequence of str
        `cxrlib.reports.list_provenance`.
    filters : sequence of str
        In words. They leave out no neighbour: who is near does not depend on a selection.
    """
    st.subheader(HEADING, anchor=False)
    part = choose_part("belief", HEADING, PARTS)
    if part == PARTS[0]:
        _show_shares(current, paths, _choose_bad(wish), provenance, filters)
    elif part == PARTS[1]:
        _show_steps(current, paths, provenance)
    else:
        _show_whole(current, provenance)


# ---- what is asked for again and again


@dataclass(frozen=True, eq=False)  # known by what it is, for caches
class _Numbers:
    """Hold an extractor's numbers of all X-rays of a cohort, of every view."""

    embeddings: EmbeddingSet
    space: Space


@lru_cache(maxsize=8)
def _load_numbers(
    cohort: Cohort, key: str, features: Features, changed: tuple[int, ...]
) -> _Numbers:
    """Load the numbers of all X-rays of a cohort, on the map or not."""
    store = Store(find_cache())
    info = next(each for each in EmbeddingStore(store).list_extractors() if each.key == key)
    embeddings = load_embeddings(cohort, info, store)
    return _Numbers(embeddings, lay_out_space(cohort.table, embeddings, features=features))


def _find_numbers(current: Current) -> _Numbers:
    """Load the numbers that the map was made from, of all X-rays."""
    features = current.mapped.projection.settings.features
    return _load_numbers(
        current.cohort, current.extractor.key, features, time_changes(find_cache() / "embeddings")
    )


@dataclass(frozen=True)
class _Bad:
    """Hold what counts as bad: a definition and, where that is what filters keep, the filters."""

    wish: SurfaceWish
    selection: Selection | None


def _choose_bad(wish: SurfaceWish) -> _Bad:
    """Take the definition that is chosen behind the points, and leave how it is drawn."""
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
def _find_shares(cohort: Cohort, numbers: _Numbers, patient_id: str, bad: _Bad) -> PathShares:
    marked = _mark(cohort, bad)
    return path_shares(
        cohort.table,
        numbers.embeddings,
        patient_id,
        bad=marked.bad,
        known=marked.known,
        duplicates=cohort.duplicates,
        space=numbers.space,
    )


@dataclass(frozen=True, eq=False)
class _Told:
    """Hold the shares of the chosen patients: as they are, as a table, as text, in words."""

    shares: tuple[PathShares, ...]
    table: pd.DataFrame
    written: pd.DataFrame
    words: str


@lru_cache(maxsize=64)
def _tell_shares(cohort: Cohort, numbers: _Numbers, patients: tuple[str, ...], bad: _Bad) -> _Told:
    shares = tuple(_find_shares(cohort, numbers, patient, bad) for patient in patients)
    table = shares_table(shares)
    return _Told(shares, table, _write_shares(table), describe_path_shares(shares))


@lru_cache(maxsize=32)
def _draw_shares(told: _Told, theme: Theme) -> go.Figure:
    """Draw them once for all sessions: most runs of the page change something else."""
    return plot_path_share(told.shares, theme=theme)


@lru_cache(maxsize=8)
def _find_typical(current: Current, numbers: _Numbers) -> tuple[float, float]:
    return measure_typical(numbers.space, current.mapped.projection)


@lru_cache(maxsize=8)
def _measure_map(current: Current, numbers: _Numbers) -> pd.DataFrame:
    mapped = current.mapped
    raw = getattr(mapped.embeddings, mapped.projection.settings.features)
    return measure_faithfulness(numbers.space, mapped.projection, raw=raw)


@lru_cache(maxsize=8)
def _find_spread(current: Current, changed: tuple[int, ...]) -> Spread | None:
    mapped = current.mapped
    return load_spread(mapped.embeddings, mapped.projection.settings, Store(find_cache()))


def _load_seeds(current: Current) -> Spread | None:
    """Load the spread over seeds; None where the map has no seed, or it was not drawn yet."""
    if current.mapped.projection.settings.method != "umap":
        return None
    return _find_spread(current, time_changes(find_cache() / "spreads"))


def _offer_seeds(current: Current) -> None:
    """Offer to draw the map with other seeds, where it has one and that was not done."""
    settings = current.mapped.projection.settings
    if settings.method != "umap":
        show_quiet("This map has no seed: drawn again it is the same.")
        return
    entry = current_entry()
    request = JobRequest(
        "seeds",
        {
            "data": str(entry.path),
            "extractor": current.extractor.key,
            "settings": {**asdict(settings), "views": list(settings.views)},
        },
    )
    show_text(
        "What of this map is chance? Drawn with another seed, images stand elsewhere. That takes "
        "about a minute for a thousand images, once for the whole server."
    )
    offer_job(
        request,
        label=f"Seeds of the map of {entry.title} by {current.extractor.title}",
        button=f"Draw it with {N_SEEDS} other seeds",
    )


# ---- who is near


#: Bars of a share of one half: 95 % by Wilson's interval, of 10 images 53 points, of 20 40.
WHY_NEAREST = (
    f"It is always the {NEAREST} nearest: of 10 a bar spans half of the scale, of many more most "
    "are not near, and a number chosen once the answer is seen would choose the answer."
)
SHARES_CAVEAT = (
    "A description of who is near, not a forecast: what makes images near may be a machine, a "
    "position or a crop. An interval that holds its view's dashed line tells nothing apart from "
    "chance, and most do."
)


def _show_shares(
    current: Current,
    paths: Sequence[Trajectory],
    bad: _Bad,
    provenance: Sequence[str],
    filters: Sequence[str],
) -> None:
    """Show the share of bad among the nearest of others along the days of the paths."""
    if not paths:
        show_text("Choose a patient above: the states of who is near stand here, day by day.")
        return
    if bad.selection is not None and bad.selection.is_empty:
        show_text(
            "Bad is what the filters keep, and they keep all: set a filter, or choose another "
            "definition of bad behind the points."
        )
        return
    numbers = _find_numbers(current)
    told = _tell_shares(current.cohort, numbers, tuple(path.patient_id for path in paths), bad)
    meaning = _say_bad(_mark(current.cohort, bad))
    stem = f"near-states-{date.today().isoformat()}"
    draw = partial(_draw_shares, told)
    caption = f"{meaning} {explain_path_share(told.shares)} {WHY_NEAREST} {SHARES_CAVEAT}"
    if filters:
        caption += " Filters leave out no neighbour and no day here."
    origin = [*provenance, meaning]
    show_figure(
        draw(st.context.theme.type or "light"),
        key="path_share",
        alt=f"{meaning} {told.words}",
        numbers=told.table,
        caption=caption,
        provenance=origin,
        file_stem=stem,
        heading="States of the nearest images of other persons and other sources",
        draw=partial(plot_path_share, told.shares),
        on_select=partial(remember_click, "path_share"),
        selection_mode="points",
        config={"displayModeBar": False},
    )
    tell_shown(current, set(told.table["image_id"]))
    show_text(_count_apart(told.table))
    with st.expander("In numbers"):
        show_table(
            told.written,
            key="path_shares",
            provenance=origin,
            file_stem=stem,
            numbers=told.table,
        )


def _say_bad(marked: MarkedImages) -> str:
    """Say what counts as bad, as chosen behind the points, and among which images."""
    words = marked.definition
    return f"Bad, as behind the points: {words.label}; counted among {words.known_label}."


def _count_apart(table: pd.DataFrame) -> str:
    """Say how many images are told apart from chance."""
    there = table[table["reason"] == ""]
    if there.empty:
        return "For none of these images is the share estimable; the table says why."
    n_apart = int(there["differs"].ne("").sum())
    which = f"{n_apart} of {len(there)} intervals {'lies' if n_apart == 1 else 'lie'}"
    return (
        f"{which} beyond the share of the whole view; up to about 1 in 20 would by chance alone, "
        "and images of one patient are not independent."
    )


def _write_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Write shares as text, each with its denominator, and why there is none."""
    rows = []
    for row in table.to_dict("records"):
        is_there = not row["reason"]
        rows.append(
            {
                "Patient": row["patient_id"],
                "Day": "–" if pd.isna(row["day"]) else f"{row['day']:g}",
                "View": row["view"] or "–",
                "State": row["state"],
                "Bad among the nearest": f"{row['n_bad']} of {row['n_neighbours']} "
                f"({100 * row['share']:.0f} %, {100 * row['low']:.0f}-{100 * row['high']:.0f})"
                if is_there
                else "not estimable",
                "Persons": str(row["n_persons"]) if row["n_persons"] else "–",
                "Bad among all of the view": f"{100 * row['overall']:.0f} % of {row['n_overall']:,}"
                if row["n_overall"]
                else "–",
                "Remark": row["reason"] or row["differs"],
            }
        )
    return pd.DataFrame(rows)


# ---- steps


STEPS_CAVEAT = (
    "A step that is long on the map and short in the numbers, or the other way round, is the "
    "map's doing. Lengths do not say how ill anyone is: a change of view or position alone is a "
    "long step."
)


def _show_steps(current: Current, paths: Sequence[Trajectory], provenance: Sequence[str]) -> None:
    """Show each step in the numbers beside its length on the map."""
    if not any(path.steps for path in paths):
        show_text("No path has a step: choose a patient with images of two recorded days.")
        return
    numbers = _find_numbers(current)
    spread = _load_seeds(current)
    steps = measure_steps(
        paths,
        numbers.space,
        current.mapped.projection,
        spread=spread,
        typical=_find_typical(current, numbers),
    )
    stem = f"steps-{date.today().isoformat()}"
    draw = partial(plot_steps, steps)
    show_figure(
        draw,
        key="step_lengths",
        alt=describe_steps(steps),
        numbers=steps.table,
        caption=f"{explain_steps(steps)} {STEPS_CAVEAT}",
        provenance=provenance,
        file_stem=stem,
        heading="Steps in the numbers and on the map",
        config={"displayModeBar": False},
    )
    if spread is None:
        _offer_seeds(current)
    with st.expander("In numbers"):
        number = partial(st.column_config.NumberColumn, format="%.2f")
        days = partial(st.column_config.NumberColumn, format="%g")
        show_table(
            steps.table,
            key="steps",
            provenance=provenance,
            file_stem=stem,
            placeholder="–",
            column_config={
                "patient_id": "Patient",
                "day_from": days("From day"),
                "day_to": days("To day"),
                "state": "Leads to",
                "on_map": number("Map units"),
                "in_space": number("SD a column"),
                "map_relative": number("On the map, relative"),
                "space_relative": number("In the numbers, relative"),
                "seeds_low": number("Other seeds, shortest"),
                "seeds_high": number("Other seeds, longest"),
            },
        )


# ---- the whole map


WHOLE_CAVEAT = (
    "Trustworthiness falls where images stand near that are not near in the numbers; continuity "
    "where images that are near stand far apart. Both say how good a picture of the numbers the "
    "map is, not whether the numbers tell anything of illness."
)


def _show_whole(current: Current, provenance: Sequence[str]) -> None:
    """Show how well the map keeps neighbours, and what of it is the seed's doing."""
    numbers = _find_numbers(current)
    table = _measure_map(current, numbers)
    show_heading("Who stands near whom")
    show_text(describe_faithfulness(table.head(1)))  # the rest stands in the table
    show_table(
        _write_measures(table),
        key="faithfulness",
        provenance=provenance,
        file_stem=f"faithfulness-{date.today().isoformat()}",
        numbers=table,
    )
    show_quiet(WHOLE_CAVEAT)
    show_heading("Drawn with other seeds")
    spread = _load_seeds(current)
    if spread is None:
        _offer_seeds(current)
        return
    show_text(describe_spread(spread, _find_typical(current, numbers)[1]))
    show_quiet(
        "Turned, mirrored, shifted and scaled onto this map before places are compared, as none "
        "of these means anything. Of a map of several components the first two are compared, as "
        "they are drawn."
    )
    moved = pd.DataFrame({"image_id": spread.image_ids, "moved_map_units": spread.typical})
    moved = moved.sort_values("moved_map_units", ascending=False, ignore_index=True)
    with st.expander("Image by image"):
        show_table(
            moved,
            key="moved",
            provenance=provenance,
            file_stem=f"seeds-{date.today().isoformat()}",
            column_config={
                "image_id": "Image",
                "moved_map_units": st.column_config.NumberColumn(
                    "Stands elsewhere by, map units (median over seeds)", format="%.2f"
                ),
            },
        )


def _write_measures(table: pd.DataFrame) -> pd.DataFrame:
    """Write the measures as text; what is not estimable says why."""
    rows = [
        {
            "Numbers": row["numbers"],
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
    written = pd.DataFrame(rows)
    return written if written["Remark"].any() else written.drop(columns="Remark")
