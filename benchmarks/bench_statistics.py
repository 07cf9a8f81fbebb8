"""Time the cohort page's tables beside a plain pandas script that computes the same numbers."""

import argparse
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.cohorts import find_real_root
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.storage import Store
from cxrlib.summary import (
    GROUPINGS,
    compare_recorded,
    describe_missingness,
    list_ages,
    list_articles,
    list_image_sizes,
    list_offsets,
    make_table_one,
    select_published,
    summarise,
)
from cxrlib.synthetic.records import COLUMNS, simulate_courses

LIMIT = 300  # ms, all tables of the page
OUTCOMES = ("survival", "went_icu", "intubated")
KEYS = {"region": ["region"], "sub-region": ["sub_region"], "view": ["view"], "source": ["source"]}


def make_page(cohort: Cohort) -> None:
    """Compute every table of the page of a cohort that nothing is remembered of."""
    fresh = dataclasses.replace(cohort)
    for by in GROUPINGS:
        chosen = select_published(fresh, by)
        summarise(chosen, by, unit="patient")
    chosen = select_published(fresh)
    describe_missingness(chosen, unit="patient")
    describe_missingness(chosen, by="region", unit="patient")
    describe_missingness(chosen, by="source", unit="patient")
    compare_recorded(chosen, "survival")
    make_table_one(chosen, "region")
    list_articles(chosen)
    list_ages(chosen)
    list_offsets(chosen)
    list_image_sizes(chosen)


def count_plainly(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Count patients of a grouping as a script would, without intervals and notes."""
    words = table.assign(
        **{column: table[column].astype(object) for column in OUTCOMES},
        age=table["age"].astype(float),
    ).replace("not recorded", np.nan)
    patients = words.groupby([*KEYS[by], "patient_id"]).first().reset_index()

    def count(group: pd.DataFrame) -> pd.Series:
        cells: dict[str, float] = {"n": len(group), "age_mean": group["age"].mean()}
        cells["age_median"] = group["age"].median()
        cells["age_q1"] = float(group["age"].quantile(0.25))
        for column in OUTCOMES:
            for answer in ("yes", "no"):
                cells[f"{column}_{answer}"] = (group[column] == answer).sum()
        cells["sex_male"] = (group["sex"] == "M").sum()
        return pd.Series(cells)

    columns = [*OUTCOMES, "age", "sex"]
    return pd.DataFrame(patients.groupby(KEYS[by][-1])[columns].apply(count))


def check_same(cohort: Cohort) -> None:
    """Stop unless both sides give the same numbers."""
    for by in KEYS:
        chosen = select_published(cohort, by)
        plain = count_plainly(chosen.table, by)
        ours = summarise(chosen, by, unit="patient").table.set_index("row").loc[plain.index]
        np.testing.assert_allclose(ours[plain.columns].astype(float), plain, rtol=1e-12)


def measure(work: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Give median, 95th percentile and processor time of a call, in ms."""
    work()
    times, cpu = [], []
    for _ in range(rounds):
        started, busy = time.perf_counter(), time.process_time()
        work()
        times.append(1000 * (time.perf_counter() - started))
        cpu.append(1000 * (time.process_time() - busy))
    return statistics.median(times), float(np.quantile(times, 0.95)), statistics.median(cpu)


def describe(times: tuple[float, float, float]) -> str:
    """Write what was measured."""
    return f"{times[0]:.0f} ms, p95 {times[1]:.0f} ms, processor {times[2]:.0f} ms"


def load(folder: Path) -> Cohort:
    """Load the real collection, or the demo's records without images."""
    real = find_real_root()
    if real is not None:
        return load_cohort(real, store=Store(folder))
    rows = pd.DataFrame(simulate_courses(seed=1, n_patients=450).rows)
    rows.to_csv(folder / "metadata.csv", index=False, columns=list(COLUMNS))
    return load_cohort(folder, inspect_images=False)


def main() -> None:
    """Compare, then time all tables, the four that the script makes too, and the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cohort = load(Path(folder))
    print(f"{cohort.name}: {cohort.n_images} rows, {cohort.n_patients} patients.")
    check_same(cohort)
    chosen = {by: select_published(cohort, by) for by in KEYS}
    page = measure(lambda: make_page(cohort), arguments.rounds)
    ours = measure(
        lambda: [
            summarise(dataclasses.replace(each), by, unit="patient") for by, each in chosen.items()
        ],
        arguments.rounds,
    )
    plain = measure(
        lambda: [count_plainly(each.table, by) for by, each in chosen.items()], arguments.rounds
    )
    print(f"All tables of the page: {describe(page)} (at most {LIMIT} ms).")
    print(f"Four of them ({', '.join(KEYS)}): {describe(ours)}.")
    print(f"A plain pandas script, these four: {describe(plain)}.")
    print(f"The script takes {plain[2] / ours[2]:.1f} times as long, for a third of the cells.")


if __name__ == "__main__":
    main()
