"""Records of runs: the same digits and types come back, and damage is found out."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cxrlib.baselines.runs import format_record, parse_record
from cxrlib.baselines.runs.run_record import RECORD_ERRORS, settle
from tests.cxrlib.baselines.runs.test_run_log import make_record

ID = f"{1:012x}"


def test_floats_come_back_to_the_last_bit() -> None:
    """Thirds, the smallest, the largest, and what is missing."""
    values = [1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 0.1 + 0.2, math.nan]
    (settled,) = (settle(pd.DataFrame({"x": values}))["x"],)
    assert settled.to_numpy().tobytes() == np.array(values).tobytes()


def test_types_come_back() -> None:
    """Truths, whole numbers, texts with anything in them; a missing text is blank."""
    table = pd.DataFrame(
        {
            "is_scored": [True, False],
            "n_images": [1, 2**40],
            "fold": ["=1+1\n\x00", None],
            "sd": [None, 0.5],
        },
        index=[7, 9],
    ).astype({"sd": float})
    settled = settle(table)
    assert [str(kind) for kind in settled.dtypes] == ["bool", "int64", "str", "float64"]
    assert settled["fold"].tolist() == ["=1+1\n\x00", ""]
    assert settled.index.tolist() == [0, 1]
    assert_frame_equal(settle(settled), settled, check_exact=True)


def test_a_record_comes_back() -> None:
    """What is read is what was written."""
    record = make_record(1)
    read = parse_record(format_record(record), ID)
    assert read.spec == record.spec
    assert (read.made, read.notes, read.versions) == (999.0, (), {"numpy": "1"})
    for name, table in record.tables.items():
        assert_frame_equal(read.tables[name], settle(table), check_exact=True)


def test_records_hold_no_number_that_json_does_not_know() -> None:
    """Infinity is no score: it is refused when written, not met when read."""
    record = make_record(1)
    record.tables["scores"].loc[0, "value"] = math.inf
    with pytest.raises(ValueError, match="JSON"):
        format_record(record)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("id",), "0" * 12),
        (("made",), "today"),
        (("made",), math.nan),
        (("made",), 1e300),
        (("n_images",), True),
        (("versions",), {"numpy": 2}),
        (("features_title",), "\ud800"),
        (("spec",), {"task": None}),
        (("notes",), "one"),
        (("tables",), {}),
        (("tables", "scores", "fold", "values"), [1, 2, 3]),
        (("tables", "scores", "fold", "values"), ["short"]),
        (("tables", "scores", "fold", "kind"), "object"),
        (("tables", "scores", "n_images", "values"), [True, 2, 3]),
        (("tables", "scores", "n_images", "values"), [2**63, 2, 3]),
        (("tables", "scores", "value", "values"), [math.inf, 1.0, 1.0]),
        (("tables", "scores", "value", "values"), ["0.5", 1.0, 1.0]),
        (("tables", "folds", "extra"), {"kind": "int", "values": []}),
    ],
)
def test_what_does_not_fit_is_damage(path: tuple[str, ...], value: object) -> None:
    """Anything of another type, length or name is refused."""
    fields = json.loads(format_record(make_record(1)))
    place = fields
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(RECORD_ERRORS):
        parse_record(json.dumps(fields).encode(), ID)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"[" * 100_000, b"\xff"])
def test_no_record_at_all_is_damage(data: bytes) -> None:
    """Text that is no JSON, or JSON that is no record."""
    with pytest.raises(RECORD_ERRORS):
        parse_record(data, ID)
