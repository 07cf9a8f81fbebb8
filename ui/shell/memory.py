"""Keep what start-up has loaded out of the rounds of the garbage collector.

Streamlit collects garbage after every run of a script. A round looks at every object there is,
nearly all of which are modules and tables that stay as long as the server: 80 ms each time, in
which the finished page waits to be sent.
"""

import gc

__all__ = ["settle_memory"]


def settle_memory() -> None:
    """Collect once, then set aside all that is left: later rounds pass over it.

    Call it when what stays has been imported and loaded. What is set aside is still freed when
    nothing refers to it any more, except in circles.
    """
    gc.collect()
    gc.freeze()
