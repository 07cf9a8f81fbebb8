"""Learning curves and importances in the store: made once, made anew where damaged."""

from pathlib import Path

import pandas as pd
import pytest

from cxrlib.baselines.evaluation import (
    REFITS,
    LocoSettings,
    compute_refit,
    load_refit,
    make_refit_key,
    run_loco,
)
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from tests.evaluation_rows_factory import draw_rows, make_features


@pytest.mark.parametrize("of", REFITS)
def test_a_refit_is_made_once(of, tmp_path: Path) -> None:
    """And read as it was made; a damaged one is made anew."""
    rows, rng = draw_rows(1)
    result = run_loco(
        rows, make_features(rows, rng.normal(size=(90, 2))), LocoSettings(n_resamples=20)
    )
    store = Store(tmp_path)
    assert load_refit(result, of, store) is None
    made = compute_refit(result, of, store)
    found = load_refit(result, of, store)
    assert found is not None
    pd.testing.assert_frame_equal(made, found, check_dtype=False)
    pd.testing.assert_frame_equal(found, compute_refit(result, of, store, should_stop=lambda: True))
    store.write_table("refits", make_refit_key(result, of), made.iloc[:, :3], info={})
    assert load_refit(result, of, store) is None
    with pytest.raises(SelectionError, match="There is no 'dance'"):
        load_refit(result, "dance", store)
