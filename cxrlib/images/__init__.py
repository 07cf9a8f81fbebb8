"""Image files: decoding, DICOM, and reading many of them in parallel."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
