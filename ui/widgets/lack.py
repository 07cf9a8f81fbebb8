"""A line that says which column a part of a page lacks, where the whole cohort lacks it."""

from cxrlib.cohort import Cohort, explain_lack
from ui.widgets.text import show_quiet

__all__ = ["show_lack"]


def show_lack(cohort: Cohort, *columns: str) -> None:
    """Show what is not there for want of some columns; nothing where any of them has a value.

    Parameters
    ----------
    cohort : Cohort
    columns : str
        Of the form; any of them would do.
    """
    if told := explain_lack(cohort, columns):
        show_quiet(told)
