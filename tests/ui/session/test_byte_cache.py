"""The memory of encoded images: bounded, the least used goes first."""

from ui.session.byte_cache import ByteCache


def fill(cache: ByteCache, *keys: str, size: int = 40) -> None:
    """Put entries of one size."""
    for key in keys:
        cache.put(key, (bytes(size), {"key": key}))


def test_what_was_not_asked_for_longest_goes_first() -> None:
    """Asking counts as use."""
    cache = ByteCache(max_bytes=100)
    fill(cache, "a", "b")
    assert cache.get("a") == (bytes(40), {"key": "a"})
    fill(cache, "c")
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]


def test_an_entry_larger_than_all_is_not_kept() -> None:
    """It would push out everything; an earlier one of that key goes."""
    cache = ByteCache(max_bytes=100)
    fill(cache, "a", "b")
    fill(cache, "b", size=101)
    assert [cache.get(key) is not None for key in "ab"] == [True, False]


def test_putting_again_does_not_count_twice() -> None:
    """The bound is on what is kept."""
    cache = ByteCache(max_bytes=100)
    for _ in range(10):
        fill(cache, "a", "b")
    assert cache.get("a")
    assert cache.get("b")
