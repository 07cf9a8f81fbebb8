"""Cores are counted as this process may use them; variables are set for a while only."""

import os

import pytest

from cxrlib.system import count_cores, with_environment


def test_cores_are_those_of_this_process(monkeypatch) -> None:
    """Count what the process may use, not what the machine has; the machine's where unknown."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5, 7}, raising=False)
    assert count_cores() == 3
    assert count_cores(most=2) == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_cores(most=4) == 1


@pytest.mark.parametrize(("overwrite", "inside"), [(True, "new"), (False, "old")])
def test_variables_are_put_back(monkeypatch, overwrite, inside) -> None:
    """Set variables, keep or replace those that are there, and put all back after an error."""
    monkeypatch.setenv("CXR_TEST_OLD", "old")
    monkeypatch.delenv("CXR_TEST_NEW", raising=False)
    before = dict(os.environ)
    variables = {"CXR_TEST_OLD": "new", "CXR_TEST_NEW": "new"}
    with with_environment(variables, overwrite=overwrite):
        assert os.environ["CXR_TEST_OLD"] == inside
        assert os.environ["CXR_TEST_NEW"] == "new"
    assert dict(os.environ) == before
    context = with_environment(variables)
    with pytest.raises(KeyError), context:
        raise KeyError
    assert dict(os.environ) == before
