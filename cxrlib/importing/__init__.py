"""Cohorts from elsewhere: mapped, recipes for published collections, several written as one."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
