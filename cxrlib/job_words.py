"""How a job is doing, in plain words for the screen and the terminal."""

from cxrlib.jobs.job_record import Job

__all__ = ["describe_job", "describe_seconds", "describe_stage"]


def describe_job(job: Job) -> str:
    """Say in plain words how a job is doing.

    Examples
    --------
    >>> from dataclasses import replace
    >>> job = Job("0" * 16, "embed", {}, "Embed", "running", "Embedding images", 212, 851)
    >>> describe_job(replace(job, rate=24.1, seconds_left=26.7))
    'Embedding 212 of 851 images, 24 a second, 27 s left'
    >>> describe_job(replace(job, state="waiting", n_before=1))
    'waiting, 1 job before it'
    """
    if job.state == "running":
        return describe_stage(job)
    if job.state == "failed":
        return f"failed: {_end_sentence(job.error)}"
    if job.state == "died":
        return f"died: {_end_sentence(job.error)} Resume it."
    waiting = "waiting for the worker to start it"
    if job.n_before:
        waiting = f"waiting, {job.n_before} job{'s' if job.n_before > 1 else ''} before it"
    words = {
        "waiting": waiting,
        "cancelling": "stopping, then it starts again" if job.again else "stopping",
        "cancelled": "cancelled. Resume it to go on from where it stopped.",
    }
    took = "" if job.seconds is None else f" in {describe_seconds(job.seconds)}"
    return words.get(job.state, f"done{took}")


def describe_stage(job: Job) -> str:
    """Say what a running job does and how far it is."""
    if not job.stage:
        return "starting"
    if job.total <= 0:
        return job.stage
    words = [_count_stage(job.stage, job.done, job.total)]
    if job.rate and not job.stage.startswith("Download"):
        words.append(f"{job.rate:.0f} a second" if job.rate >= 10 else f"{job.rate:.1f} a second")
    elif job.rate:
        words.append(f"{job.rate / 1e6:.1f} MB a second")
    if job.seconds_left is not None and job.done < job.total:
        words.append(f"{describe_seconds(job.seconds_left)} left")
    return ", ".join(words)


def _count_stage(stage: str, done: int, total: int) -> str:
    """Put a stage's counts into its name: "Embedding images" counts images.

    What stands in brackets behind it, such as a p so far, stays there.
    """
    if stage.startswith("Download"):
        return f"{stage}: {done / 1e6:,.1f} of {total / 1e6:,.1f} MB"
    name, bracket, remark = stage.partition(" (")
    verb, _, noun = name.partition(" ")
    if verb.endswith("ing") and noun.isalpha():
        return f"{verb} {done:,} of {total:,} {noun}{bracket}{remark}"
    return f"{stage}: {done:,} of {total:,}"


def describe_seconds(seconds: float) -> str:
    """Say how long something takes, in the unit that fits.

    Examples
    --------
    >>> describe_seconds(42.4), describe_seconds(200), describe_seconds(8000)
    ('42 s', '3 min 20 s', '2 h 13 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _end_sentence(error: str) -> str:
    """End an error with a full stop."""
    return error if error.endswith((".", "!", "?")) else f"{error}."
