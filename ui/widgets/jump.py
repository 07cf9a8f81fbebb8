"""Bring a part of the page into view after a click elsewhere."""

from ui.widgets.component import load_component

__all__ = ["jump_to"]


def jump_to(key: str) -> None:
    """Scroll to the container with a key; call it in the one run that follows the click.

    Parameters
    ----------
    key : str
        Of the container.
    """
    load_component(__file__)(key="jump", data={"to": key}, height="content")
