"""Columns of the record that a label is, or that are filled in because of it."""

from cxrlib.baselines.tasks import parse_own_column

# A test or an answer that is recorded because of the label says nothing new. In the public
# collection 130 of 131 images of the COVID-19 task with COVID-19 have an RT-PCR written down and
# none of the others; "extubated" is asked of who was intubated.
_SAME_AS_LABEL = {
    "covid-19": ("finding", "RT_PCR_positive"),
    "viral": ("finding", "RT_PCR_positive"),
    "intubated": ("intubated", "extubated"),
    "extubated": ("extubated", "intubated"),
}


def list_label_columns(column: str) -> tuple[str, ...]:
    """List the columns of a cohort's table that the label of a task is, or gives away by itself.

    Examples
    --------
    >>> list_label_columns("went_icu"), list_label_columns("viral")
    (('went_icu',), ('finding', 'RT_PCR_positive'))
    """
    own = parse_own_column(column)
    if own is not None:
        return _SAME_AS_LABEL["covid-19"] if own.kind == "finding" else (own.column,)
    return _SAME_AS_LABEL.get(column, (column,))
