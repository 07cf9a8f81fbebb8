"""The library as notebooks and scripts use it: a cohort, its tables, a map, baselines, files.

Reached as ``import cxrlib as cxr``; the commands ``embed`` and ``map`` use the same functions.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
