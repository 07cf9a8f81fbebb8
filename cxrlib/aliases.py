"""Names that many modules share: kinds of arrays and callbacks, the word for a blank value."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOT_RECORDED", "Floats", "Progress", "ShouldStop"]

Floats = NDArray[np.floating]
"""Numbers with a fraction; each signature says which shape and unit."""

Progress = Callable[[str, int, int], None]
"""Takes the stage in words, what is done of it and how much it is in all; 0 of all is unknown.

Bytes for a stage that downloads, else things.
"""

ShouldStop = Callable[[], bool]
"""Asked between two steps of long work; True ends it."""

NOT_RECORDED = "not recorded"
"""The group and the word of a value that the metadata leave blank."""
