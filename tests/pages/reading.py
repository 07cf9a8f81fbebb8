"""What a page has written, as a test reads it."""

from html import unescape

from streamlit.testing.v1 import AppTest

KINDS = (
    *("title", "markdown", "caption", "subheader", "warning", "error", "info", "code", "text"),
)


def written(page: AppTest) -> str:
    """Give all text on the page."""
    texts = [str(element.value) for kind in KINDS for element in page.get(kind)]
    return "\n".join([*texts, *(unescape(element.proto.body) for element in page.get("html"))])
