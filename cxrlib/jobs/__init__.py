"""Long work in processes of its own: the queue, its records, and the worker."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
