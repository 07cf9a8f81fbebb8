"""Run a command of this project with every script run of its server profiled.

``python -m benchmarks.profiled OUT.prof serve --cache cache`` is ``python -m cxrlib serve
--cache cache``, and writes what the script runs after the first ten cost to a file (for
``pstats``) after each run. The profiler slows Python's calls: compare shares, not times.
"""

import cProfile
import runpy
import sys

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

N_WARM = 10  # runs that load, import and fill caches


def profile_scripts(out: str) -> None:
    """Make Streamlit profile each script run and keep the sum in a file."""
    profile = cProfile.Profile()
    run_script = ScriptRunner._run_script
    n_runs = 0

    def run_profiled(self: ScriptRunner, rerun_data: RerunData) -> None:
        nonlocal n_runs
        n_runs += 1
        if n_runs <= N_WARM:
            run_script(self, rerun_data)
            return
        profile.enable()
        try:
            run_script(self, rerun_data)
        finally:
            profile.disable()
            profile.dump_stats(out)

    ScriptRunner._run_script = run_profiled  # type: ignore[method-assign]


if __name__ == "__main__":
    profile_scripts(sys.argv[1])
    sys.argv = ["cxrlib", *sys.argv[2:]]
    runpy.run_module("cxrlib", run_name="__main__", alter_sys=True)
