"""Fits of a long evaluation, kept in the store one by one: what was stopped goes on from there."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping

import numpy as np

from cxrlib.baselines.evaluation.models import Fit
from cxrlib.storage import Store

logger = logging.getLogger(__name__)

KIND = "fits"
FoldSeed = tuple[str, int]
_ERRORS = (ValueError, KeyError, TypeError, OverflowError, RecursionError)


class KeptFits(MutableMapping[FoldSeed, Fit]):
    """Keep fits by fold and seed, as `cxrlib.baselines.evaluation.run_loco` takes them.

    Parameters
    ----------
    store : Store
    key : str
        Names the evaluation, see `cxrlib.baselines.evaluation.make_evaluation_key`.
    n_images : mapping of str to int
        Test images of each fold: a stored fit of another length is none.
    on_fit : callable, optional
        Takes how many fits have been asked for and found, or done.
    """

    def __init__(
        self,
        store: Store,
        key: str,
        n_images: Mapping[str, int],
        on_fit: Callable[[int], None] | None = None,
    ) -> None:
        self._store = store
        self._key = key
        self._n_images = n_images
        self._on_fit = on_fit or (lambda done: None)
        self._here: dict[FoldSeed, Fit] = {}

    def __getitem__(self, of: FoldSeed) -> Fit:
        if of not in self._here:
            data = self._store.read_file(KIND, self._make_file_name(of))
            fit = None if data is None else self._parse(data, of)
            if fit is None:
                raise KeyError(of)
            self._take(of, fit)
        return self._here[of]

    def __setitem__(self, of: FoldSeed, fit: Fit) -> None:
        fold, seed = of
        parts = {
            "fold": fold,
            "seed": seed,
            "value": fit.value.tolist(),
            "chosen": fit.chosen.tolist(),
            "is_converged": fit.is_converged,
        }
        self._store.write_file(KIND, self._make_file_name(of), json.dumps(parts).encode())
        self._take(of, fit)

    def __delitem__(self, of: FoldSeed) -> None:
        """Refuse: nothing that was computed is thrown away."""
        raise TypeError("Fits are kept, not deleted.")

    def __iter__(self) -> Iterator[FoldSeed]:
        return iter(self._here)

    def __len__(self) -> int:
        return len(self._here)

    def _take(self, of: FoldSeed, fit: Fit) -> None:
        self._here[of] = fit
        self._on_fit(len(self._here))

    def _make_file_name(self, of: FoldSeed) -> str:
        # A fold's name may hold any sign.
        return f"{self._key}-{hashlib.sha256(json.dumps(of).encode()).hexdigest()[:12]}.json"

    def _parse(self, data: bytes, of: FoldSeed) -> Fit | None:
        """Read a fit, or None where it is damaged or another's."""
        try:
            parts = json.loads(data)
            value, chosen = (np.array(parts[name], dtype=float) for name in ("value", "chosen"))
            right = (self._n_images[of[0]],)
            is_right = [parts["fold"], parts["seed"]] == list(of) and value.shape == right
            if is_right and chosen.shape == right and np.isfinite([value, chosen]).all():
                return Fit(value, chosen, bool(parts["is_converged"]))
        except _ERRORS as error:
            logger.warning(
                "A stored fit of %s cannot be used (%s). It is computed again.", of, error
            )
            return None
        logger.warning("A stored fit of %s is of other images. It is computed again.", of)
        return None
