"""The cohort page's opening: where patients are from, what is recorded; ages, days, sizes."""

from collections.abc import Sequence
from functools import partial

from cxrlib.charts.cohort import (
    describe_ages,
    describe_offsets,
    describe_places,
    describe_sizes,
    describe_unplaced,
    describe_world,
    plot_ages,
    plot_offsets,
    plot_places,
    plot_sizes,
    plot_world,
)
from cxrlib.cohort import Cohort
from cxrlib.number_text import name_units
from cxrlib.summary import (
    Summary,
    lay_out_summary,
    list_ages,
    list_image_sizes,
    list_offsets,
    place_counts,
    summarise,
)
from ui.widgets.chart import show_chart
from ui.widgets.dense_table import show_dense_table

__all__ = ["show_distributions", "show_overview"]

N_PLACES = 12  # countries with a bar of their own


def show_overview(cohort: Cohort, *, unit: str, provenance: Sequence[str], stem: str) -> None:
    """Show the countries on a map, then regions and views with what is recorded of how many."""
    countries = summarise(cohort, "country", unit=unit)
    show_chart(
        partial(plot_world, countries.table),
        key="world",
        alt=describe_world(countries.table),
        heading="Where they were published from",
        caption=" ".join(
            filter(
                None,
                (
                    _count(countries),
                    "Circles are counts: they say where images were published, nothing of how "
                    "common a disease is.",
                    describe_unplaced(countries.table),
                ),
            )
        ),
        numbers=countries.to_shown(),
        provenance=provenance,
        stem=stem,
        filters=len(place_counts(countries.table).placed) > 0,
    )
    for by in ("region", "view"):
        show_dense_table(
            lay_out_summary(
                summarise(cohort, by, unit=unit),
                title=f"X-rays by {by}",
                parts=("counts", "age", "outcomes"),
            ),
            key=f"overview_{by}",
            provenance=provenance,
            file_stem=f"{stem}-{by}",
        )
    show_chart(
        partial(plot_places, countries.table, level="country", n_most=N_PLACES),
        key="countries",
        alt=describe_places(countries.table, level="country"),
        heading="Countries",
        caption=_count(countries),
        numbers=countries.to_shown(),
        provenance=provenance,
        stem=stem,
        filters=True,
    )


def _count(summary: Summary) -> str:
    """Say what a chart counts."""
    return f"Unit: {summary.unit}. {name_units(summary.n_total, summary.unit)} in all."


def show_distributions(cohort: Cohort, *, unit: str, provenance: Sequence[str], stem: str) -> None:
    """Show ages, days and sizes, each with how many are not recorded."""
    ages, days, sizes = list_ages(cohort, unit=unit), list_offsets(cohort), list_image_sizes(cohort)
    columns = {"age": ages["age"], "offset": days["offset"], "width": sizes["width"]}
    known = {name: int(column.notna().sum()) for name, column in columns.items()}
    show_chart(
        partial(plot_ages, ages, unit=unit),
        key="ages",
        alt=describe_ages(ages, unit=unit),
        heading="Age",
        caption=f"Unit: {unit}. Age known of {known['age']:,} of {name_units(len(ages), unit)}.",
        numbers=ages,
        provenance=provenance,
        stem=stem,
    )
    show_chart(
        partial(plot_offsets, days),
        key="days",
        alt=describe_offsets(days),
        heading="Day of the image",
        caption=f"Unit: image. Day recorded of {known['offset']:,} of {len(days):,} images; "
        "counted from symptoms or from admission, the record does not say which. Day 5 also "
        'stands for "a few days".',
        numbers=days,
        provenance=provenance,
        stem=stem,
    )
    show_chart(
        partial(plot_sizes, sizes),
        key="sizes",
        alt=describe_sizes(sizes),
        heading="Size of the files",
        caption=f"Unit: image. Size known of {known['width']:,} of {len(sizes):,} images.",
        numbers=sizes,
        provenance=provenance,
        stem=stem,
    )
