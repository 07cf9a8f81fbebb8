"""The description of an extractor, stored beside every number it made."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cxrlib.errors import SelectionError

RESERVED_COLUMNS = ("image_sha256", "embedding")
"""Column names of stored embeddings that an output must not take."""

OUTSIDE = "outside-v1"
"""The preprocessing of numbers that were made elsewhere: they are known by image id."""

# How descriptions in older caches call what has another label now.
_RENAMED = {("Texture measures", "no network"): ("Simple texture", "no AI model")}


@dataclass(frozen=True)
class ExtractorInfo:
    """Describe an extractor so that its numbers can be found again and trusted.

    Parameters
    ----------
    name : str
        Name to ask for it by, as in `cxrlib.embedding.extractors.EXTRACTOR_NAMES`.
    label : str
        Name to show on screen.
    weights_sha256 : str
        SHA-256 of the weights, 64 hexadecimal digits; "" where there are none.
    preprocessing : str
        Version of everything between the file and the numbers except the weights.
    n_features : int
        Length of the embedding.
    output_names : tuple of str
        Names of the outputs, distinct, none blank.
    note : str
        What must be said wherever its numbers are shown, such as "untrained control".

    Examples
    --------
    >>> info = ExtractorInfo("texture", "Texture", "", "texture-v1", 2, ("Brightness",))
    >>> info.key
    'texture-noweights-texture-v1'
    """

    name: str
    label: str
    weights_sha256: str
    preprocessing: str
    n_features: int
    output_names: tuple[str, ...]
    note: str = ""

    def __post_init__(self) -> None:
        names = self.output_names
        if len(set(names)) != len(names) or any(not n or n in RESERVED_COLUMNS for n in names):
            raise SelectionError(
                f"Output names {names!r} of extractor {self.name!r} cannot be stored: they must be "
                f"distinct, not blank and not one of {RESERVED_COLUMNS!r}. Rename them."
            )

    @property
    def is_outside(self) -> bool:
        """Whether the numbers were made elsewhere and this program cannot compute them."""
        return self.preprocessing == OUTSIDE

    @property
    def title(self) -> str:
        """What to call it on screen: the label with the note that must be said."""
        return f"{self.label} ({self.note})" if self.note else self.label

    @property
    def key(self) -> str:
        """Folder name of its embeddings: name, weights and preprocessing."""
        # 16 hexadecimal digits: 64 bits tell any number of honest weights files apart.
        weights = self.weights_sha256[:16] or "noweights"
        return re.sub(r"[^A-Za-z0-9._-]", "_", f"{self.name}-{weights}-{self.preprocessing}")

    def to_dict(self) -> dict[str, Any]:
        """Give the fields as JSON can hold them."""
        return {**asdict(self), "output_names": list(self.output_names)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "ExtractorInfo":
        """Rebuild from `to_dict`; raises KeyError, TypeError or ValueError if one is amiss."""
        written = str(fields["label"]), str(fields["note"])
        label, note = _RENAMED.get(written, written)
        info = cls(
            name=str(fields["name"]),
            label=label,
            weights_sha256=str(fields["weights_sha256"]),
            preprocessing=str(fields["preprocessing"]),
            n_features=int(fields["n_features"]),
            output_names=tuple(str(name) for name in fields["output_names"]),
            note=note,
        )
        if not 1 <= info.n_features < 1 << 20:
            raise ValueError(f"n_features is {info.n_features!r}, it must be 1 to 1,048,575")
        # JSON can hold half a surrogate pair, which has no place in a file or on a screen.
        "".join([info.name, info.label, info.note, *info.output_names]).encode()
        return info
