"""Uploaded images: decoded in an isolated process, placed on a map."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
