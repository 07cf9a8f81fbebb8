"""The notice that every page, export and table of the project carries."""

__all__ = ["NOTICE"]

NOTICE = "For research and teaching. Not for diagnosis."
