"""The keyboard's way into menus such as "Save"; the script beside has the reason."""

from ui.widgets.component import load_component

__all__ = ["listen_to_menus"]


def listen_to_menus() -> None:
    """Mount the listener; it takes no room and shows nothing."""
    load_component(__file__)(key="menu_keys", height="content")
