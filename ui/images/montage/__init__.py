"""The montage: images of a selection as a contact sheet, page by page."""

from ui.images.montage.montage import show_montage, show_sheet

__all__ = ["show_montage", "show_sheet"]
