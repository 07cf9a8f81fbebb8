"""Baselines for a notebook: a task evaluated in regions the model has not seen, as an object."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from cxrlib.baselines import runs
from cxrlib.baselines.evaluation import (
    LocoSettings,
    PermutationNull,
    compute_permutation_null,
    find_protocol,
    take_estimator,
)
from cxrlib.baselines.features import make_set_name
from cxrlib.baselines.runs import (
    ImageAdds,
    Run,
    RunComparison,
    RunSpec,
    Unaltered,
    compare_unaltered,
    compute_image_adds,
    describe_spec,
    list_runs,
    make_run,
)
from cxrlib.baselines.tasks import read_task
from cxrlib.cohort import (
    Cohort,
    LabelFile,
    attach_labels,
    join_cohorts,
    read_label_file,
    take_label_table,
)
from cxrlib.embedding import EmbeddingSet
from cxrlib.errors import ReportError, SelectionError
from cxrlib.html_repr import format_html
from cxrlib.notebook.cohorts import open_store
from cxrlib.number_text import format_units
from cxrlib.storage import EmbeddingStore, Store
from cxrlib.system import ProgressLine


@dataclass(frozen=True, eq=False)
class LocoRun:
    """Hold a run: a task, features and a protocol, evaluated on groups held out.

    Parameters
    ----------
    run : Run
        The run as `cxrlib.baselines.runs` has it, with its id, settings and versions.
    cohort : Cohort
        What it was made on.
    store : Store
        Where it is kept.
    estimator : object, optional
        The estimator of one's own that was fitted.
    """

    run: Run
    cohort: Cohort
    store: Store
    estimator: Any = None

    def __repr__(self) -> str:
        return f"LocoRun({self._title!r}, id {self.run.id})"

    def _repr_html_(self) -> str:
        model = f"Model: {self.model}."
        notes = (model, self.run.counts.describe(), *self.notes)
        return format_html(f"{self._title}; run {self.run.id}", self.scores, notes=notes)

    @property
    def _title(self) -> str:
        table = self.run.result.rows.table
        persons = format_units(table["person_id"].nunique(), "person")
        return f"{describe_spec(self.run.spec)}; {format_units(len(table), 'image')} of {persons}"

    @property
    def model(self) -> str:
        """The model that was fitted, in words."""
        return self.run.spec.describe_model()

    @property
    def scores(self) -> pd.DataFrame:
        """The scores.

        Returns
        -------
        DataFrame
            A row a group and score, then the mean over groups ("mean") and the score over pairs
            of images within groups ("pooled"): fold, metric, ``value``, sd, 95 % interval ``low``
            to ``high`` by bootstrap over persons, counts of images, persons, groups and resamples,
            and ``reason`` where there is no score or no interval. Never a bare number.
        """
        return self.run.scores

    @property
    def folds(self) -> pd.DataFrame:
        """The groups held out: a row a group, what trained and what was tested, and why not."""
        return self.run.folds

    @property
    def predictions(self) -> pd.DataFrame:
        """The predictions: a row a tested image, with label ``y`` and ``value`` (log-odds).

        Of a task that is a number, ``value`` is the predicted number, in the label's unit.
        """
        return self.run.predictions

    @property
    def shortcuts(self) -> pd.DataFrame:
        """The scores of feature sets that look at no image, on the same rows."""
        return self.run.shortcut_scores

    @property
    def flow(self) -> pd.DataFrame:
        """The steps from all rows of the cohort to those of the run, with counts and reasons."""
        return self.run.flow

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the scores must know, in sentences; shortcuts that could not run."""
        refused = (
            f"Shortcut {name!r} was not run: {why}" for name, why in self.run.refused.items()
        )
        return (*self.run.notes, *refused)

    def compute_image_adds(self) -> ImageAdds:
        """Compare the run's features with shortcuts beside the shortcuts alone, in pairs.

        Returns
        -------
        ImageAdds
            `table` has the difference with its 95 % interval by baseline (all shortcuts; age and
            sex), group and score.

        Raises
        ------
        SelectionError
            If the features use no image, or are pixels.
        """
        return compute_image_adds(self.run, self.store)

    def compare_unaltered(self) -> Unaltered:
        """Compare a run from which a shortcut was taken away with the unaltered one, in pairs.

        Raises
        ------
        SelectionError
            If nothing was taken away.
        """
        return compare_unaltered(self.run, self.store)

    def compute_null(self, n: int = 200) -> PermutationNull:
        """Permute the labels over persons within each group and fit every model again.

        What is done is kept in the cache: more permutations go on where fewer ended.

        Parameters
        ----------
        n : int, default 200
            Permutations, 1 to 10,000; p is never below 1 / (n + 1).

        Returns
        -------
        PermutationNull
            `table` has a row a score: observed, ``p``, and the middle 95 % of the permuted scores.

        Raises
        ------
        SelectionError
            If n is out of range, or for pixels, which take too long.
        """
        result = self.run.result
        return compute_permutation_null(
            result.rows,
            result.features,
            result.settings,
            n=n,
            store=self.store,
            on_progress=ProgressLine(),
            estimator=self.estimator,
        )

    def save_report(self, path: Path | str) -> None:
        """Write the report of the run, as the baselines page offers it.

        A permutation test is in it once `compute_permutation_null` was called.

        Parameters
        ----------
        path : Path or str
            FILE.html (the page alone), FILE.zip (page, tables as CSV, manifest as JSON), or a
            folder for the same files.

        Raises
        ------
        ReportError
            If it ends in anything else, lies in no folder, or cannot be written.

        Examples
        --------
        >>> run.save_report("icu.html")  # doctest: +SKIP
        """
        from cxrlib.reports import gather_parts, make_run_report, pack_report, write_export

        out = check_report_path(Path(path))
        entries = list_runs(self.store, self.cohort.fingerprint, self.run.spec.task)
        parts = gather_parts(self.run, self.store)
        files = make_run_report(self.run, self.cohort, entries, more=parts)
        if out.suffix == ".html":
            write_export(out, files["report.html"])
        elif out.suffix == ".zip":
            write_export(out, pack_report(files))
        else:
            with contextlib.suppress(OSError):  # which the first file then reports
                out.mkdir(exist_ok=True)
            for name, data in files.items():
                write_export(out / name, data)


SUFFIXES = (".html", ".zip", "")  # of a report


def check_report_path(path: Path) -> Path:
    """Return where a report is to be written, or refuse it.

    Raises
    ------
    ReportError
        If it ends in anything but .html, .zip or nothing, lies in no folder, or is a folder that
        holds other things than a report.
    """
    if not path.name or path.suffix not in SUFFIXES or not path.absolute().parent.is_dir():
        raise ReportError(
            f"The report cannot be written to {str(path)!r}: name FILE.html, FILE.zip or a "
            "folder, within a folder that is there."
        )
    if (
        not path.suffix
        and path.is_dir()
        and any(path.iterdir())
        and not (path / "report.html").is_file()
    ):
        raise ReportError(
            f"The folder {str(path)!r} holds other files, among which a report would lie. Name a "
            "new or empty folder."
        )
    if path.exists() and path.is_dir() != (not path.suffix):
        kind = "a folder" if path.is_dir() else "a file"
        raise ReportError(f"The report cannot be written to {str(path)!r}: {kind} is there.")
    return path


def evaluate_loco(
    cohort: Cohort,
    task: str,
    *,
    features: EmbeddingSet | str,
    protocol: Literal["corrected", "published"] = "corrected",
    hold_out: str = "region",
    test_on: Cohort | None = None,
    labels: Path | str | pd.DataFrame | None = None,
    strict: bool = False,
    where: str = "",
    seed: int = 0,
    resamples: int = 1000,
    erase: str = "",
    match: str = "",
    cache: Path | str | None = None,
    estimator: Any = "",  # noqa: ANN401 (a name, or any object with fit)
) -> LocoRun:
    """Predict a label in groups the model has not seen, one group held out at a time.

    The run is the one that the command ``loco`` and the baselines page make, to the same digits,
    and it is counted among the runs of the cohort.

    Parameters
    ----------
    cohort : Cohort
        The whole cohort: filters are given by `where`.
    task : str
        One of the paper's ("covid-19", "viral-or-bacterial", "survival", "icu-stay", "intubated",
        "geographic-extent", "opacity"), one of them changed ("icu-stay; days=0..14"), or one of a
        column ("column=survival; views=PA"): of the record, "extra:NAME" for a column that
        metadata.csv has besides, "extra:NAME:VALUE" for a category against the rest,
        "finding:PATH", or "sex".
    features : EmbeddingSet or str
        What `embed` gave: its outputs are used. Or the name of a set: "texture:outputs",
        "texture:embedding", "outputs" (of the pretrained network), "pixels", "prevalence", or a
        shortcut: "view", "source", "recorded", "age-sex". Or the name of a stored set of your own;
        or a sum of sets: "texture:outputs+age-sex".
    protocol : {"corrected", "published"}
        As it should be done, or as the paper did it.
    hold_out : str, default "region"
        "region", "sub-region", "country" or "source"; "column:NAME", the values of a column of
        metadata.csv or of the labels; "persons:5", parts of the persons, of which "persons:5x10"
        makes ten dealings and averages them.
    test_on : Cohort, optional
        Train on `cohort` and test on this one; `hold_out` is then not used. Nobody is on both
        sides: see `cxrlib.cohort.join_cohorts`.
    labels : Path, str or DataFrame, optional
        A CSV or Parquet file, or a table, with a column image_id or patient_id and columns of
        labels, which become extra columns: "column=extra:NAME".
    strict : bool, default False
        Keep each source in training or in test, not both.
    where : str, optional
        Filters as in `select_images`.
    seed : int, default 0
        Of the bootstrap, and of models with chance in them.
    resamples : int, default 1000
        Of persons, for intervals; 0 for none.
    erase : str, optional
        Shortcuts whose linear trace is taken out of the features, "view" or "view+source": what
        is left is what differs between images of one view. `LocoRun.compare_unaltered` sets the
        score beside the unaltered one.
    match : str, optional
        "view", "source" or both: as many images of each class with each value.
    cache : Path or str, optional
        By default the cache that the cohort was loaded with.
    estimator : str or object, optional
        What learns. A name: "linear" (logistic regression with C, or ridge regression with its
        penalty, chosen inside the training images; the default of "corrected"), "linear:0.1" (C
        fixed), "forest", "boosting", "neighbours", or "paper" (as the paper did; the only one of
        "published"). Or any estimator of scikit-learn's kind, such as ``SVC()`` or a pipeline: it
        is copied for each group held out and fitted to the features as they are, standardised by
        the training images; where it has no seed it is given `seed`. Scores rank its log-odds, or
        else its decision values.

    Returns
    -------
    LocoRun
        `scores` has a row a group and score: value, interval, counts, reason.

    Raises
    ------
    SelectionError
        If there is no such task, feature set, protocol, group, model or filter, no rows are left,
        or the estimator cannot learn the task or gives no scores; the message says what there is
        and what to do.
    StoreError
        If the cache cannot be read or written.

    References
    ----------
    Cohen et al. 2020b, section 4 and Tables 5 to 14.

    Examples
    --------
    >>> import cxrlib as cxr
    >>> cohort = cxr.load_demo()  # doctest: +SKIP
    >>> run = cxr.evaluate_loco(cohort, "icu-stay", features=cxr.embed(cohort))  # doctest: +SKIP
    >>> run.scores  # doctest: +SKIP
    """
    store = open_store(cohort, cache)
    own = None if isinstance(estimator, str) else estimator
    model = estimator if isinstance(estimator, str) else ""
    name = features if isinstance(features, str) else _find_set_name(features, store)
    file = _take_labels(labels)
    if test_on is not None:
        cohort = join_cohorts(cohort, test_on, store=store, on_progress=ProgressLine())
        hold_out = f"cohort:{cohort.test_name}"
    cohort = cohort if file is None else attach_labels(cohort, file)
    settings = LocoSettings(
        *(find_protocol(protocol), hold_out, strict, seed, resamples, model),
        erase=erase,
        match=match,
    )
    settings = take_estimator(settings, own)
    labels_name = "" if file is None else file.name
    spec = RunSpec(read_task(task, cohort), name, settings, where, labels_name)
    return LocoRun(make_run(cohort, store, spec, estimator=own), cohort, store, own)


def _take_labels(labels: Path | str | pd.DataFrame | None) -> LabelFile | None:
    if labels is None:
        return None
    if isinstance(labels, pd.DataFrame):
        return take_label_table(labels)
    return read_label_file(labels)


def _find_set_name(outputs: EmbeddingSet, store: Store) -> str:
    """Give the feature set of these outputs; with the weights where several have one name."""
    if not isinstance(outputs, EmbeddingSet):
        raise SelectionError(
            f"features is a {type(outputs).__name__}. Give the name of a feature set or what embed "
            "gives; numbers of your own are stored by a name first: store_features."
        )
    info = outputs.info
    if info.is_outside:
        return info.name
    same = [each for each in EmbeddingStore(store).list_extractors() if each.name == info.name]
    return make_set_name("outputs", info.name if len(same) <= 1 else info.key)


def tabulate_runs(cohort: Cohort, *, cache: Path | str | None = None) -> pd.DataFrame:
    """List all runs that were made on a cohort, here, on the page and by command.

    The best of many looks good by chance alone: count them before one is reported.

    Parameters
    ----------
    cohort : Cohort
        The whole one.
    cache : Path or str, optional
        By default the cache that the cohort was loaded with.

    Returns
    -------
    DataFrame
        A row a run, oldest first: its id, task, outcome, features, estimator, protocol, filters,
        the score over all groups with its interval, counts, and the reader's note.

    Examples
    --------
    >>> cxr.tabulate_runs(cohort)  # doctest: +SKIP
    """
    return runs.tabulate_runs(list_runs(open_store(cohort, cache), cohort.fingerprint))


def compare_runs(first: LocoRun, second: LocoRun) -> RunComparison:
    """Compare two runs image by image, by resamples that draw the same persons for both.

    Parameters
    ----------
    first, second : LocoRun
        Of one cohort and outcome, in the same groups; days, views and filters may differ.

    Returns
    -------
    RunComparison
        `table` has a row a group and score: the difference, first minus second, with its 95 %
        interval, on the images that both have (`describe_images`). It is None where the two cannot
        be compared; `reason` says why.

    Examples
    --------
    >>> cxr.compare_runs(first, second).table  # doctest: +SKIP
    """
    return runs.compare_runs(first.run, second.run)
