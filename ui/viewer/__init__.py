"""The X-ray viewer: one small component of our own."""

from ui.viewer.viewer import Picture, show_viewer

__all__ = ["Picture", "show_viewer"]
