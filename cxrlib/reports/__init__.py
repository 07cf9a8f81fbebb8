"""Exports: figures, tables, patient records, run reports, and the provenance they carry."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
