"""Cores are counted as this process may use them; variables are set for a while only."""

import os
import sys

import pytest

from cxrlib.system import count_cores, with_environment, without_script


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


def test_without_script_hides_the_script_for_a_while(monkeypatch) -> None:
    """Where it runs from is put back, after an error too; what it defines keeps it in sight."""
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", "script.py", raising=False)
    spec = main.__spec__
    with without_script(os.getcwd):
        assert not hasattr(main, "__file__")
        assert main.__spec__ is None
    assert (main.__file__, main.__spec__) == ("script.py", spec)
    with pytest.raises(KeyError), without_script():
        raise KeyError
    assert (main.__file__, main.__spec__) == ("script.py", spec)

    def own() -> None:
        """Stand for a function of the script."""

    own.__module__, own.__qualname__ = "__main__", "own"
    monkeypatch.setattr(main, "own", own, raising=False)
    with without_script(own):
        assert main.__file__ == "script.py"
