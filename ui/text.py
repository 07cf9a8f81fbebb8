"""Text from a cohort's files, shown as text: Streamlit reads most strings as Markdown."""

import re

__all__ = ["plain"]

# Whatever starts emphasis, links, images, headings, lists, tables, HTML, mathematics, colours
# or icons in Streamlit's Markdown. A backslash before punctuation makes it that character.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&=^/@])")


def plain(text: object) -> str:
    r"""Escape text so that Markdown shows it as it stands, on one line.

    Examples
    --------
    >>> plain("**bold** :red[x] <b>")
    '\\*\\*bold\\*\\* \\:red\\[x\\] \\<b\\>'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))
