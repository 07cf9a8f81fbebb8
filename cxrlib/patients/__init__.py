"""Patients: the list, one patient's record and timeline, and similar patients."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
