"""What the papers and standards print: their tables as files, and what is read from them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
