"""One reader's session with a running server, without a browser.

The *server time* of an action is the time from sending the widget's message to receiving
``script_finished``: one run of the script on a warm server, with nothing of the browser's
drawing in it. The client behaves as Streamlit's own does: it sends every widget's state, the
address, and which messages it has kept, so that the server may send a reference instead.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import parse_qs, urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

from benchmarks.widgets import Value, Widget, find_widget

__all__ = ["PageSession", "Run"]

KEPT_RUNS = 2  # for so many runs a browser keeps a message (global.maxCachedMessageAge)
FINISHED = (
    ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY,
    ForwardMsg.ScriptFinishedStatus.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
)


@dataclass(frozen=True)
class Run:
    """Hold what one action cost.

    Parameters
    ----------
    seconds : float
        Server time.
    n_bytes : int
        Of all messages up to ``script_finished``.
    n_messages : int
        How many they were.
    """

    seconds: float
    n_bytes: int
    n_messages: int


@dataclass
class _Screen:
    """Hold what stands on the page: elements by place, and what runs by itself."""

    elements: dict[tuple[int, ...], tuple[ForwardMsg, str]] = field(default_factory=dict)
    polled: dict[str, float] = field(default_factory=dict)  # fragment -> seconds between runs

    def widgets(self) -> list[Widget]:
        found = (
            find_widget(message.delta.new_element, fragment, message.metadata.active_script_hash)
            for message, fragment in self.elements.values()
        )
        return [widget for widget in found if widget is not None]


class PageSession:
    """Open a page and use it.

    Parameters
    ----------
    address : str
        Of the server, "http://localhost:8501".
    page : str
        Its path, "trajectories".
    query : mapping
        Parameters of the address.
    timeout : float
        Seconds after which a run that has not finished is an error.

    Examples
    --------
    >>> with PageSession(address, "trajectories") as session:  # doctest: +SKIP
    ...     session.set_widget("smoothing", [0.5]).seconds
    """

    def __init__(
        self,
        address: str,
        page: str = "",
        query: Mapping[str, Sequence[str]] | None = None,
        *,
        timeout: float = 120,
    ) -> None:
        self._address = address.rstrip("/")
        self._timeout = timeout
        self._query = {name: list(values) for name, values in (query or {}).items()}
        self._states: dict[str, WidgetState] = {}
        self._kept: dict[str, tuple[ForwardMsg, int]] = {}
        self._screen = _Screen()
        self._n_runs = 0
        self._page_name, self._script = page, ""
        self._pages: dict[str, str] = {}
        self._socket = connect(
            self._address.replace("http", "ws", 1) + "/_stcore/stream",
            max_size=None,
            compression=None,
            ping_interval=None,
        )
        self.first_run = self.run()

    def __enter__(self) -> "PageSession":
        """Return the session."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    @property
    def widgets(self) -> list[Widget]:
        """The page's widgets, in the order they were drawn."""
        return self._screen.widgets()

    @property
    def query(self) -> dict[str, list[str]]:
        """The address's parameters."""
        return {name: list(values) for name, values in self._query.items()}

    @property
    def exceptions(self) -> list[str]:
        """Exceptions that stand on the page."""
        elements = [message.delta.new_element for message, _ in self._screen.elements.values()]
        return [
            f"{e.exception.type}: {e.exception.message}"
            for e in elements
            if e.HasField("exception")
        ]

    @property
    def text(self) -> str:
        """Everything that is written on the page, as HTML and Markdown."""
        lines = []
        for message, _ in self._screen.elements.values():
            element = message.delta.new_element
            kind = element.WhichOneof("type")
            if kind in {"html", "markdown", "text", "heading"}:
                lines.append(str(getattr(getattr(element, kind), "body", "")))
        return "\n".join(lines)

    def find_widget(self, name: str) -> Widget:
        """Return a widget by its key, else by its label.

        Raises
        ------
        LookupError
            If the page has none of that name, naming those it has.
        """
        for attribute in ("key", "label"):
            for widget in self.widgets:
                if getattr(widget, attribute) == name:
                    return widget
        named = sorted({f"{w.kind} {w.key if w.key != 'None' else w.label}" for w in self.widgets})
        wrong = "; ".join(self.exceptions)
        raise LookupError(f"The page has no widget {name!r}; it has {named}. {wrong}")

    def run(self) -> Run:
        """Run the script with everything as it is."""
        return self._rerun(ClientState())

    def set_widget(self, name: str, value: Value) -> Run:
        """Set a widget, named by key or label, and run what hangs on it."""
        widget = self.find_widget(name)
        state = widget.state(value)
        self._states[widget.element_id] = state
        if widget.query_name:
            self._write_address(widget.query_name, widget.address_value(value))
        return self._rerun(ClientState(fragment_id=widget.fragment_id))

    def click(self, name: str) -> Run:
        """Press a button, named by key or label."""
        widget = self.find_widget(name)
        return self._rerun(
            ClientState(fragment_id=widget.fragment_id), pressed=widget.state(value=True)
        )

    def open_page(self, path: str) -> Run:
        """Go to another page by the navigation."""
        if path not in self._pages:
            raise LookupError(f"There is no page {path!r}; there are {sorted(self._pages)}.")
        there = {widget.query_name for widget in self.widgets if widget.script == self._script}
        self._query = {name: v for name, v in self._query.items() if name not in there}
        self._script = self._pages[path]
        return self._rerun(ClientState())

    def follow_link(self, query: Mapping[str, str]) -> Run:
        """Go to the same page with other parameters in the address, as by a link or by Back."""
        for name, value in query.items():
            self._write_address(name, [value])
        return self._rerun(ClientState())

    def poll(self) -> Run:
        """Run the fragments that run by themselves, once.

        Raises
        ------
        LookupError
            If there are none.
        """
        if not self._screen.polled:
            raise LookupError("Nothing on the page runs by itself.")
        runs = [
            self._rerun(ClientState(fragment_id=fragment, is_auto_rerun=True))
            for fragment in list(self._screen.polled)
        ]
        return Run(
            sum(run.seconds for run in runs),
            sum(run.n_bytes for run in runs),
            sum(run.n_messages for run in runs),
        )

    def _write_address(self, name: str, values: list[str] | None) -> None:
        self._query.pop(name, None)
        if values is not None:
            self._query[name] = values

    def _rerun(self, state: ClientState, *, pressed: WidgetState | None = None) -> Run:
        """Send a rerun, wait for its end, keep the page as it stands then."""
        state.query_string = urlencode(self._query, doseq=True)
        state.page_script_hash = self._script
        state.page_name = "" if self._script else self._page_name
        state.context_info.url = f"{self._address}/{self._page_name}"
        state.context_info.color_scheme = "light"
        state.context_info.timezone = "Etc/UTC"
        state.context_info.locale = "en-GB"
        state.cached_message_hashes.extend(self._kept)
        # The state of a widget that is gone is gone in a browser too.
        known = {widget.element_id for widget in self.widgets}
        states = [own for name, own in self._states.items() if name in known]
        state.widget_states.widgets.extend([*states, *([pressed] if pressed else [])])
        message = BackMsg(rerun_script=state).SerializeToString()
        started = time.perf_counter()
        self._socket.send(message)
        run = self._receive_all(started)
        self._settle()
        return run

    def _receive_all(self, started: float) -> Run:
        """Take messages until the script has finished, then until the server says it rests."""
        n_bytes = n_messages = 0
        run = None
        while True:
            data = self._socket.recv(timeout=self._timeout)
            now = time.perf_counter()
            assert isinstance(data, bytes)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if run is None:
                n_bytes, n_messages = n_bytes + len(data), n_messages + 1
                if kind == "script_finished" and message.script_finished in FINISHED:
                    run = Run(now - started, n_bytes, n_messages)
            rests = kind == "session_status_changed" and not (
                message.session_status_changed.script_is_running
            )
            if run is not None and rests:
                return run
            self._take(message)

    def _take(self, message: ForwardMsg) -> None:
        """Do with a message what the browser does."""
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            kept, _ = self._kept[message.ref_hash]
            self._kept[message.ref_hash] = (kept, self._n_runs)
            whole = ForwardMsg()
            whole.CopyFrom(kept)
            whole.metadata.CopyFrom(message.metadata)
            message, kind = whole, whole.WhichOneof("type")
        elif message.metadata.cacheable:
            self._kept[message.hash] = (message, self._n_runs)
        if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            place = tuple(message.metadata.delta_path)
            self._screen.elements[place] = (message, message.delta.fragment_id)
        elif kind == "new_session":
            self._script = message.new_session.page_script_hash
            if not message.metadata.run.fragment_ids:
                self._screen = _Screen()
        elif kind == "navigation":
            self._script = message.navigation.page_script_hash
            self._pages = {
                page.url_pathname: page.page_script_hash for page in message.navigation.app_pages
            }
        elif kind == "page_info_changed":
            self._query = parse_qs(message.page_info_changed.query_string, keep_blank_values=True)
        elif kind == "auto_rerun":
            self._screen.polled[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._screen.polled.pop(fragment, None)

    def _settle(self) -> None:
        """Take over what the server has set, note the defaults, forget old messages."""
        for widget in self.widgets:
            value = widget.sent_value
            if value is None and widget.element_id not in self._states:
                value = widget.default
            if value is not None:
                self._states[widget.element_id] = widget.state(value)
        self._n_runs += 1
        self._kept = {
            name: (message, used)
            for name, (message, used) in self._kept.items()
            if self._n_runs - used <= KEPT_RUNS
        }
