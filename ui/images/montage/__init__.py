"""The montage: images of a selection as a contact sheet, page by page."""

from ui.images.montage.montage import Tile, show_montage, show_sheet

__all__ = ["Tile", "show_montage", "show_sheet"]
