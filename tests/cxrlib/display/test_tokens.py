"""Tokens: made by this server, for this very thing, for a while."""

import itertools

import pytest

from cxrlib.display import check, choose_expiry, sign
from cxrlib.errors import TokenError

SECRET = b"s" * 32
PARTS = ("demo", "a.png", "thumb")
EXPIRES = 2_000


def check_at(token: str, now: float, **changed: object) -> str:
    """Check a token at a time, with something changed."""
    given = {"parts": PARTS, "secret": SECRET, "expires": EXPIRES, **changed}
    return check(token, now=now, **given)  # type: ignore[arg-type]


def test_a_token_is_good_until_its_time_and_not_a_second_longer() -> None:
    """The border itself is over."""
    token = sign(PARTS, secret=SECRET, expires=EXPIRES)
    assert check_at(token, 1_999.9) == token
    with pytest.raises(TokenError, match="has expired"):
        check_at(token, 2_000)


@pytest.mark.parametrize(
    "changed",
    [
        {"parts": ("demo", "b.png", "thumb")},
        {"parts": ("demo", "a.png", "full")},
        {"parts": ("other", "a.png", "thumb")},
        {"parts": ("demoa", ".png", "thumb")},
        {"parts": ("demo", "a.png", "thumb", "")},
        {"parts": ("demo", "a.png")},
        {"expires": 3_000},
        {"secret": b"t" * 32},
    ],
)
def test_a_token_is_for_its_own_parts_and_time_only(changed: dict[str, object]) -> None:
    """Another image, kind or cohort, a border moved, a later time, another server: refused."""
    token = sign(PARTS, secret=SECRET, expires=EXPIRES)
    with pytest.raises(TokenError, match="not from the running server"):
        check_at(token, 1_000, **changed)


@pytest.mark.parametrize(
    "token", ["", "=", "a" * 43, "ö" * 43, "\ud800", "\x00", "a" * 1_000_000, " " * 43]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    """Text that is empty, foreign, long or has no encoding is a forgery, no crash."""
    with pytest.raises(TokenError, match="not from the running server"):
        check_at(token, 1_000)


def test_every_sign_of_a_token_counts() -> None:
    """A token with any one sign changed is refused, the last one too."""
    token = sign(PARTS, secret=SECRET, expires=EXPIRES)
    for i in range(len(token)):
        changed = token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1 :]
        with pytest.raises(TokenError):
            check_at(changed, 1_000)


def test_tokens_of_different_things_differ() -> None:
    """Parts that read alike when joined have tokens of their own."""
    texts = ("", "a", "b", '"', '","', "\\", "\ud800", "é")
    tokens = [
        sign(parts, secret=SECRET, expires=EXPIRES)
        for n in range(3)
        for parts in itertools.product(texts, repeat=n)
    ]
    assert len(set(tokens)) == len(tokens)


def test_an_expiry_is_the_same_for_a_period_and_never_near() -> None:
    """At least one period is left, at most two; it moves once a period."""
    times = range(10_000, 13_000)
    ends = [choose_expiry(period=600, now=now) for now in times]
    assert all(600 < end - now <= 1200 for now, end in zip(times, ends, strict=True))
    assert len(set(ends)) == 6
