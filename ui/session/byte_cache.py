"""A bounded memory of encoded images, shared by all threads of the server."""

import threading
from collections import OrderedDict

__all__ = ["ByteCache"]

Entry = tuple[bytes, dict[str, str]]


class ByteCache:
    """Keep bytes and their headers by key; the least recently used go first.

    Parameters
    ----------
    max_bytes : int
        Most bytes kept; a larger entry is not kept at all.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._n_bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> Entry | None:
        """Return an entry, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry, in place of an earlier one, and forget others to make room."""
        size = len(entry[0])
        with self._lock:
            earlier = self._entries.pop(key, None)
            self._n_bytes -= len(earlier[0]) if earlier else 0
            if size > self._max_bytes:
                return
            self._entries[key] = entry
            self._n_bytes += size
            while self._n_bytes > self._max_bytes:
                _, gone = self._entries.popitem(last=False)
                self._n_bytes -= len(gone[0])
