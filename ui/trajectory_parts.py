"""The parts of the trajectories page: background, clicks, captions, details, export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
import streamlit as st

from cxrlib import NOTICE
from cxrlib.charts.words import DENSITY_LABEL, caption_map
from cxrlib.density import DensityGrid
from cxrlib.report import DEATHS_LABEL, csv_with_header, map_page, stops_table
from cxrlib.trajectories import PAPER_PATIENTS, TABLE_COLUMNS, Trajectory
from ui.controls import MAX_PATIENTS, report_unknown
from ui.resources import Current
from ui.text import show_quiet, show_text

BACKGROUNDS = {
    "icu-or-tube": "ICU or tube",
    "with-deaths": "and deaths",
    "none": "none",
}
BANDWIDTHS = (0.2, 3.0)  # map units


@dataclass(frozen=True)
class Background:
    """Hold what is drawn behind the points."""

    kind: str
    bandwidth: float

    @property
    def density(self) -> bool:
        """Tell whether a density is drawn."""
        return self.kind != "none"

    @property
    def label(self) -> str:
        """Say which images the density is of."""
        return DEATHS_LABEL if self.include_deaths else DENSITY_LABEL

    @property
    def include_deaths(self) -> bool:
        """Tell whether last images of patients who died count as bad."""
        return self.kind == "with-deaths"


def choose_density() -> str:
    """Let the reader choose which images' density is drawn."""
    kind = st.segmented_control(
        "Density of images",
        list(BACKGROUNDS),
        default="icu-or-tube",
        required=True,
        format_func=lambda key: BACKGROUNDS[key],
        key="background",
        bind="query-params",
        persist_state="session",
        help="The paper's caption counts images in the ICU or with a tube; its text adds the "
        "last image of patients who died.",
    )
    return str(kind)


def choose_bandwidth() -> float:
    """Let the reader choose how smooth the density is, in map units."""
    low, high = BANDWIDTHS
    return float(
        st.slider(
            "Bandwidth, map units",
            min_value=low,
            max_value=high,
            value=1.0,
            step=0.1,
            key="bandwidth",
            bind="query-params",
            persist_state="session",
            help="Standard deviation of the kernel; 1.0 is the published value.",
        )
    )


def report_address(patients: Sequence[str]) -> None:
    """Say what the address asks for and this page does not have."""
    report_unknown("patient", set(patients).__contains__)
    report_unknown("background", set(BACKGROUNDS.values()).__contains__)
    report_unknown("bandwidth", _is_bandwidth)


def _is_bandwidth(text: str) -> bool:
    try:
        return BANDWIDTHS[0] <= float(text) <= BANDWIDTHS[1]
    except ValueError:
        return False


def list_patients(points: pd.DataFrame) -> list[str]:
    """List patient ids: those with most dated days on the map first, then by id."""
    days = points.dropna(subset=["offset"]).groupby("patient_id")["offset"].nunique()
    ids = pd.Index(points["patient_id"].unique())
    order = pd.DataFrame({"id": ids, "days": days.reindex(ids).fillna(0).to_numpy()})
    return [str(i) for i in order.sort_values(["days", "id"], ascending=[False, True])["id"]]


def remember_click() -> None:
    """Keep which image was clicked; a click beside the points changes nothing."""
    chosen = st.session_state["map"].selection.points
    if chosen:
        custom = chosen[0].get("customdata")
        image_id = custom[0] if isinstance(custom, list | tuple) else custom
        if isinstance(image_id, str):
            st.session_state["shown_image"] = image_id


def shown_image(points: pd.DataFrame, paths: Sequence[Trajectory]) -> str | None:
    """Return the image of the panel: the clicked one, else the last of the first path."""
    known = set(points["image_id"])
    clicked = st.session_state.get("shown_image")
    if clicked in known:
        return str(clicked)
    for path in paths:
        images = [image for stop in path.stops for image in stop.images] or list(path.undated)
        if images:
            return images[-1].image_id
    return None


def show_steps_through(points: pd.DataFrame, image_id: str) -> None:
    """Offer the patient's other images and, if it is not drawn, the patient's path."""
    row = points.loc[points["image_id"] == image_id].iloc[0]
    own = points[points["patient_id"] == row["patient_id"]]
    ids = own.sort_values("offset", kind="stable", na_position="last")["image_id"].tolist()
    place = ids.index(image_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        if place > 0:
            _image_button("Earlier", ids[place - 1], ":material/chevron_left:")
        if place + 1 < len(ids):
            _image_button("Later", ids[place + 1], ":material/chevron_right:")
        chosen = st.session_state.get("patient", [])
        drawn = row["patient_id"] in chosen
        if not drawn and len(chosen) < MAX_PATIENTS:
            st.button(
                "Draw this patient's path",
                icon=":material/add:",
                on_click=_add_patient,
                args=(str(row["patient_id"]),),
            )
    show_quiet(f"Image {place + 1} of {len(ids)} of this patient on the map.")
    if not drawn and len(chosen) >= MAX_PATIENTS:
        show_quiet(f"{MAX_PATIENTS} paths are drawn; take one away to draw this patient's.")


def _image_button(label: str, image_id: str, icon: str) -> None:
    """Show a button that leads to another image."""
    st.button(label, icon=icon, key=f"go-{label}", on_click=_show_image, args=(image_id,))


def _show_image(image_id: str) -> None:
    st.session_state["shown_image"] = image_id


def _add_patient(patient_id: str) -> None:
    st.session_state["patient"] = [*st.session_state.get("patient", []), patient_id]


def show_story(current: Current, patients: Sequence[str]) -> None:
    """Tell the story of the patients the page opens on, while they are chosen."""
    if set(patients) & set(PAPER_PATIENTS) and set(current.story) == set(PAPER_PATIENTS):
        st.markdown(PAPER_STORY)
        return
    captions = _mapping(_mapping(current.cohort.planted.get("story")).get("captions"))
    for patient in patients:
        if patient in captions:
            show_text(str(captions[patient]), lead=f"Patient {patient}, synthetic.")


PAPER_STORY = (
    "**The patients of the paper's Figure 3**: 178 died in the ICU; 205 got worse and recovered; "
    "332 recovered quickly. The paper fitted its map together with 1,767 images that cannot be "
    "redistributed and with the pretrained network, so places differ from its figure."
)


def show_caption(current: Current, background: Background, density: DensityGrid | None) -> None:
    """Say what the picture is, from how many images, and how not to read it."""
    settings = current.mapped.projection.settings
    caption = caption_map(
        current.points,
        cohort=current.cohort.name,
        extractor=current.extractor.title,
        method=settings.method,
        features=settings.features,
        bandwidth=None if density is None else density.bandwidth,
        density_label=background.label,
    )
    if background.density and density is None:
        caption += f" No density: this cohort records no {background.label}."
    show_quiet(caption)
    if current.mapped.projection.remark:
        show_quiet(current.mapped.projection.remark)


def show_paths(paths: Sequence[Trajectory]) -> None:
    """Show the chosen paths as a table, a dash where a first day has no step."""
    if not paths:
        return
    st.subheader("The paths, day by day", anchor=False)
    show_path_notes(paths)
    st.dataframe(
        stops_table(paths),
        hide_index=True,
        width="stretch",
        placeholder="–",
        column_config={
            "Day": st.column_config.NumberColumn(format="%g"),
            "Days since last": st.column_config.NumberColumn(format="%g"),
            "Step, map units": st.column_config.NumberColumn(format="%.2f"),
        },
    )


def show_details(current: Current) -> None:
    """Show how to read the page, which images are on the map, and what was planted."""
    with st.expander("How to read this"):
        st.markdown(HOW_TO_READ)
    with st.expander("Which images are on the map"):
        show_selection(current)
    if current.cohort.is_synthetic:
        with st.expander("What was planted in this synthetic cohort"):
            show_planted(current.cohort.planted)


HOW_TO_READ = """
- **A point is an image.** Images whose features are alike lie close together. Distances far apart,
  directions and the axes mean nothing.
- **State.** *Bad*: recorded in the ICU, or with a tube in place, or the last image of a patient who
  died. *Good*: recorded as not in the ICU, as without a tube, or the last image of a survivor.
  *Unknown*: neither is recorded. A blank is not a no.
- **A path joins days, not images.** Images of one day have no known order: the path goes through
  their mean, and each hangs on it. Images without a day are not in the path.
- **Days** count from the first symptoms in some patients and from admission in others; the record
  does not say which. Day 5 also stands for "a few days".
- **The shade** is where images in a bad state are dense. It is not a risk: it also rises where
  there are simply many images, and views and hospitals gather in places of their own.
- **Nothing here is a diagnosis** or a forecast for a patient.
"""


def show_path_notes(paths: Sequence[Trajectory]) -> None:
    """Say what a path leaves out: images without a day, patients with a single day."""
    for path in paths:
        notes = []
        if path.undated:
            notes.append(f"{len(path.undated)} of its {path.n_images} images have no recorded day")
        if len(path.stops) == 1:
            notes.append("a single day, so there is no path")
        if path.not_on_map:
            notes.append(f"{len(path.not_on_map)} images are not on the map")
        if notes:
            show_quiet(f"Patient {path.patient_id}: {'; '.join(notes)}.")


def show_selection(current: Current) -> None:
    """Show each step from all rows to the images on the map, with what it left out."""
    rows = [
        {
            "Step": step.label,
            "Images left": step.n_images,
            "Patients left": step.n_patients,
            "Left out, images": "; ".join(f"{n:,} {why}" for why, n in step.removed.items()),
        }
        for step in current.mapped.mapped.steps
    ]
    total = {
        "Step": "rows of metadata.csv",
        "Images left": current.cohort.n_images,
        "Patients left": current.cohort.n_patients,
        "Left out, images": "",
    }
    st.dataframe(pd.DataFrame([total, *rows]), hide_index=True, width="stretch")
    problems = current.cohort.problems
    if len(problems):
        st.markdown(
            f"**{len(problems):,} things in the files that could not be read as they stand**"
        )
        st.dataframe(problems.astype(str), hide_index=True, width="stretch")


def show_export(current: Current, background: Background, paths: Sequence[Trajectory]) -> None:
    """Offer the figure and the numbers behind it, each with its provenance."""
    stamp = date.today().isoformat()
    with st.container(horizontal=True):
        st.download_button(
            "Map as a page (HTML)",
            data=lambda: map_page(
                current.mapped,
                [path.patient_id for path in paths],
                bandwidth=background.bandwidth if background.density else None,
                include_deaths=background.include_deaths,
            ),
            file_name=f"map-{stamp}.html",
            mime="text/html",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "Points (CSV)",
            data=lambda: csv_with_header(current.points[list(TABLE_COLUMNS)], current.mapped),
            file_name=f"map-points-{stamp}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "Paths (CSV)",
            data=lambda: csv_with_header(stops_table(paths), current.mapped),
            file_name=f"map-paths-{stamp}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
    show_quiet(NOTICE)


def show_planted(planted: Mapping[str, object]) -> None:
    """Show what was built into a synthetic cohort: its truths, in the words of its maker."""
    st.markdown(
        "Every patient, image and number here was generated. These truths were built in, so that "
        "a method can be judged by whether it finds them:"
    )
    for truth in _mapping(planted.get("planted")).values():
        if words := _mapping(truth).get("words"):
            show_text(str(words))


def _mapping(value: object) -> Mapping[str, object]:
    """Return a mapping as it is and anything else as an empty one: the file may hold anything."""
    return value if isinstance(value, Mapping) else {}
