"""Signed, expiring tokens: who holds one was given it by this server, for this very thing.

A token is an HMAC-SHA256 (RFC 2104) over the time it ends and the parts it is for. It holds
no secret itself; whoever reads it can use it until then, for these parts and no others.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence

from cxrlib.errors import TokenError


def sign(parts: Sequence[str], *, secret: bytes, expires: int) -> str:
    """Make the token for some parts, good until a time.

    Parameters
    ----------
    parts : sequence of str
        What the token is for; order and borders count: ("ab", "c") is not ("a", "bc").
    secret : bytes
        Known to the server alone, 32 random bytes.
    expires : int
        Unix time, seconds.

    Returns
    -------
    str
        43 characters that need no escape in an address.

    Examples
    --------
    >>> sign(["demo", "a.png"], secret=bytes(32), expires=1_700_000_000)
    'XkeT1a1QvEfC8xaBP4Ae_4TGbJ4hr1c814a6yIZUuAY'
    """
    # JSON parts strings without doubt, and writes half a surrogate pair as ASCII.
    message = json.dumps([expires, *parts]).encode("ascii")
    digest = hmac.digest(secret, message, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def check(
    token: str, parts: Sequence[str], *, secret: bytes, expires: int, now: float | None = None
) -> str:
    """Return the token if it was made for these parts and this time, and that is not over.

    Parameters
    ----------
    token : str
        As it came; anything.
    parts, secret, expires
        As `sign` takes them. The time is part of what is signed: it cannot be moved.
    now : float, optional
        Unix time, seconds; the clock's unless given.

    Raises
    ------
    TokenError
        If the token is not this server's own, or too old.
    """
    right = sign(parts, secret=secret, expires=expires)
    # The same time whatever differs, or a token could be guessed sign by sign.
    if not hmac.compare_digest(token.encode("utf-8", "replace"), right.encode("ascii")):
        raise TokenError(
            "This address is not from the running server, or it was changed. Reload the page to "
            "get a new one."
        )
    if (time.time() if now is None else now) >= expires:
        raise TokenError("This address has expired. Reload the page to get a new one.")
    return token


def choose_expiry(*, period: int, now: float | None = None) -> int:
    """Choose the time a token ends: one to two periods from now, the same all period long.

    So an address stays the same for a while, and a browser that has the image need not ask.

    Parameters
    ----------
    period : int
        Seconds.
    now : float, optional
        Unix time, seconds; the clock's unless given.

    Examples
    --------
    >>> choose_expiry(period=600, now=1_000), choose_expiry(period=600, now=1_199)
    (1800, 1800)
    """
    return (int(time.time() if now is None else now) // period + 2) * period
