"""The cohort page's opening: countries, and what is recorded; ages, days and image sizes."""

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
from cxrlib.number_text import format_units
from cxrlib.summary import (
    lay_out_summary,
    list_ages,
    list_image_sizes,
    list_offsets,
    place_counts,
    summarise,
)
from ui.cohort.part import Part
from ui.widgets.chart import show_chart
from ui.widgets.dense_table import show_dense_table

__all__ = ["show_distributions", "show_overview"]

N_PLACES = 12  # countries with a bar of their own


def show_overview(cohort: Cohort, part: Part) -> None:
    """Show the countries on a map, then regions and views with what is recorded."""
    countries = summarise(cohort, "country", unit=part.unit)
    numbers = countries.to_shown()
    total = f"{format_units(countries.n_total, part.unit)} in total."
    show_chart(
        partial(plot_world, countries.table),
        key="world",
        alt=describe_world(countries.table),
        heading="Countries of the published cases",
        caption=f"{total} Circles count published cases, not how common a disease is.\n"
        f"{describe_unplaced(countries.table)}",
        numbers=numbers,
        filters=len(place_counts(countries.table).placed) > 0,
        **part.saved_as("world"),
    )
    for by in ("region", "view"):
        show_dense_table(
            lay_out_summary(
                summarise(cohort, by, unit=part.unit),
                title=f"X-rays by {by}",
                parts=("counts", "age", "outcomes"),
            ),
            key=f"overview_{by}",
            **part.saved_as(by),
        )
    show_chart(
        partial(plot_places, countries.table, level="country", n_most=N_PLACES),
        key="countries",
        alt=describe_places(countries.table, level="country"),
        heading="Countries",
        caption=total,
        numbers=numbers,
        filters=True,
        **part.saved_as("countries"),
    )


def show_distributions(cohort: Cohort, part: Part) -> None:
    """Show ages, days and sizes, each with how many are not recorded."""
    unit = part.unit
    ages, days, sizes = list_ages(cohort, unit=unit), list_offsets(cohort), list_image_sizes(cohort)
    n_age, n_day, n_size = (
        f"{column.notna().sum():,}" for column in (ages["age"], days["offset"], sizes["width"])
    )
    show_chart(
        partial(plot_ages, ages, unit=unit),
        key="ages",
        alt=describe_ages(ages, unit=unit),
        heading="Age",
        caption=f"Age is recorded for {n_age} of {format_units(len(ages), unit)}.",
        numbers=ages,
        **part.saved_as("ages"),
    )
    show_chart(
        partial(plot_offsets, days),
        key="days",
        alt=describe_offsets(days),
        heading="Day of the image",
        caption=f"The day is recorded for {n_day} of {format_units(len(days), 'image')}. Day 0 is "
        "symptom onset or admission; which one is not recorded.\n“After a few days” was entered "
        "as day 5.",
        numbers=days,
        **part.saved_as("days"),
    )
    show_chart(
        partial(plot_sizes, sizes),
        key="sizes",
        alt=describe_sizes(sizes),
        heading="Image size",
        caption=f"The size is known for {n_size} of {format_units(len(sizes), 'image')}.",
        numbers=sizes,
        **part.saved_as("sizes"),
    )
