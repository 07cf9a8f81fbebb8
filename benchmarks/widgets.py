"""Widgets as a browser holds them: found in the server's messages, answered in its protocol.

Only what a browser does counts here: it sends the state of every widget with every rerun, the
defaults of those nobody touched included, and mirrors bound widgets in the address.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streamlit.proto.Element_pb2 import Element
from streamlit.proto.WidgetStates_pb2 import WidgetState

__all__ = ["Widget", "find_widget", "select_points"]

Value = bool | float | str | Sequence[str] | Sequence[float]

# Which field of WidgetState carries a widget's value (value_type in streamlit.elements).
FIELDS = {
    "bidi_component": "json_value",
    "button": "trigger_value",
    "button_group": "string_array_value",
    "checkbox": "bool_value",
    "dataframe": "string_value",
    "date_input": "string_array_value",
    "download_button": "trigger_value",
    "multiselect": "string_array_value",
    "number_input": "double_value",
    "pagination": "int_value",
    "plotly_chart": "string_value",
    "radio": "string_value",
    "selectbox": "string_value",
    "slider": "double_array_value",
    "text_area": "string_value",
    "text_input": "string_value",
}
WITHOUT_DEFAULT = {"bidi_component", "button", "dataframe", "download_button", "plotly_chart"}


@dataclass(frozen=True)
class Widget:
    """Hold one widget of a page.

    Parameters
    ----------
    kind : str
        Name of its element: "slider", "multiselect", ...
    proto : Any
        Its message.
    fragment_id : str
        Of the fragment it stands in, or empty.
    script : str
        Hash of the script that drew it.
    """

    kind: str
    proto: Any
    fragment_id: str
    script: str

    @property
    def element_id(self) -> str:
        """Identifier between server and browser."""
        return str(self.proto.id)

    @property
    def key(self) -> str:
        """The key its script gave it; "None" without one."""
        return self.element_id.split("-", maxsplit=2)[-1]

    @property
    def label(self) -> str:
        """The words beside it."""
        return str(getattr(self.proto, "label", ""))

    @property
    def query_name(self) -> str:
        """Name of its parameter in the address, or empty."""
        return str(getattr(self.proto, "query_param_key", ""))

    @property
    def field(self) -> str:
        """Which field of its state carries its value."""
        # A slider over words is the same element as one over numbers.
        return "string_array_value" if self._is_over_words else FIELDS[self.kind]

    @property
    def _is_over_words(self) -> bool:
        return self.kind == "slider" and bool(self.options)

    @property
    def options(self) -> list[str]:
        """Its options as its server names them."""
        found = getattr(self.proto, "options", [])
        return [str(getattr(option, "content", option)) for option in found]

    @property
    def default(self) -> Value | None:
        """Its value before anybody touches it."""
        if self.kind in WITHOUT_DEFAULT:
            return None
        default = self.proto.default
        if self.kind in {"button_group", "multiselect"} or self._is_over_words:
            return [self.options[int(i)] for i in default]
        if self.kind in {"radio", "selectbox"}:
            there = self.proto.HasField("default") and default < len(self.options)
            return self.options[default] if there else None
        return list(default) if self.field.endswith("array_value") else default

    @property
    def sent_value(self) -> Value | None:
        """The value the server has set, None if it has not."""
        if not getattr(self.proto, "set_value", False):
            return None
        # A slider over numbers has both: the other one is empty.
        numeric = self.kind == "slider" and not self._is_over_words
        for name in ("value",) if numeric else ("raw_values", "raw_value", "value"):
            if hasattr(self.proto, name):
                found = getattr(self.proto, name)
                return list(found) if self.field.endswith("array_value") else found
        return None

    def state(self, value: Value) -> WidgetState:
        """Write a value as the browser sends it."""
        state = WidgetState(id=self.element_id)
        name = self.field
        if name.endswith("array_value"):
            getattr(state, name).data.extend(value)
            getattr(state, name).SetInParent()
        else:
            setattr(state, name, value)
        return state

    def address_value(self, value: Value) -> list[str] | None:
        """Write a value as it stands in the address; None where it is the default."""
        texts = _address_texts(value)
        default = self.default
        if not texts or (default is not None and texts == _address_texts(default)):
            return None
        return texts


def _address_texts(value: Value) -> list[str]:
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [
        str(one).lower() if isinstance(one, bool) else one if isinstance(one, str) else f"{one:g}"
        for one in values
    ]


def find_widget(element: Element, fragment_id: str, script: str) -> Widget | None:
    """Return the widget an element is, None for text and pictures."""
    kind = element.WhichOneof("type")
    if kind not in FIELDS:
        return None
    proto = getattr(element, kind)
    return Widget(kind, proto, fragment_id, script) if proto.id else None


def select_points(custom: Sequence[str]) -> str:
    """Write the value of a chart on which points with this customdata are selected."""
    points = [{"customdata": [one], "point_index": 0, "curve_number": 0} for one in custom]
    indices = list(range(len(points)))
    selection = {"points": points, "point_indices": indices, "box": [], "lasso": []}
    return json.dumps({"selection": selection})
