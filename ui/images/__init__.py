"""Images on a page: their addresses, the viewer, the montage."""
