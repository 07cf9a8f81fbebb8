"""Play the paths of the chosen patients day by day, in the browser.

The component finds the parts of the paths in the drawn chart by their ``meta``
(`cxrlib.charts.maps.map`) and shows each up to a day. The server is asked for nothing.
"""

from collections.abc import Sequence
from typing import Any

from cxrlib.charts.maps import day_state_words
from cxrlib.charts.style import format_day
from cxrlib.maps import Trajectory
from ui.widgets.assets import plotly_url
from ui.widgets.component import load_component
from ui.widgets.text import show_quiet

__all__ = ["list_days", "show_player"]


def show_player(paths: Sequence[Trajectory], *, chart: str, key: str = "map_play") -> None:
    """Show the player below a map; nothing where there is no day to step to.

    Parameters
    ----------
    paths : sequence of Trajectory
        Those drawn on the map.
    chart : str
        Key of the chart, as in `st.plotly_chart`.
    key : str
    """
    days = list_days(paths)
    if len(days) < 2:
        if days:
            show_quiet(f"Only {days[0]['name']} is recorded, so there is nothing to play.")
        return
    load_component(__file__)(
        key=key,
        data={"chart": chart, "plotly": plotly_url(), "days": days},
        height="content",
    )


def list_days(paths: Sequence[Trajectory]) -> list[dict[str, Any]]:
    """List the recorded days of some paths together, ascending, each with its states.

    Days of different patients are in one order though they count from symptoms in some and from
    admission in others.

    Returns
    -------
    list of dict
        ``day`` as a number, ``name`` ("day 12"), ``words`` ("patient 7: intubated, 2 images").
    """
    found: dict[float, list[str]] = {}
    for way in paths:
        for stop in way.stops:
            words = day_state_words(stop)
            if len(stop.images) > 1 and all(each.state == stop.state for each in stop.images):
                words += f", {len(stop.images)} images"
            found.setdefault(stop.day, []).append(f"patient {way.patient_id}: {words}")
    return [
        {"day": day, "name": format_day(day), "words": "; ".join(found[day])}
        for day in sorted(found)
    ]
