"""The cohort in numbers: counts by group, Table One, missing data, group comparisons."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
