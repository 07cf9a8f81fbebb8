"""The X-ray viewer: one small component of our own."""

from ui.images.viewer.viewer import Picture, show_viewer

__all__ = ["Picture", "show_viewer"]
