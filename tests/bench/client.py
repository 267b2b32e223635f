"""A visitor without a browser: speaks Streamlit's websocket protocol."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

KEPT_RUNS = 2  # how long a browser keeps a message that it may be asked to show again


@dataclass(frozen=True)
class Answer:
    """One run of the script: ms from sending to its end, and what came back."""

    ms: float
    messages: int
    bytes: int


class Client:
    """One session. `link` is what the address bar says: parameter -> value."""

    def __init__(self, url: str, folder: str = ""):
        self.url, self.folder = url, folder  # a page's, behind the address; empty: the first page
        self.query = self.page = ""
        self.components: dict[str, str] = {}  # name -> id
        self.every = 0  # milliseconds after which the page asks to be drawn again; 0: it does not ask
        self.of: dict[str, str] = {}  # key of a part of the page -> what there is to choose from
        self.reports = 0
        self.kept: dict[str, int] = {}  # hash of a message -> the run that last used it
        self.runs = 0

    @property
    def link(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.query).items()}

    async def open(self, query: str) -> Answer:
        """Connect, and let the script run for the first time."""
        self.query = query
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        options = dict(subprotocols=["streamlit"], origin=self.url, compression=None, max_size=None)
        self.socket = await connect(address, **options)
        return await self._run(self._message())

    async def trigger(self, component: str, event: str, value: object) -> Answer:
        """What the browser sends when a person chooses something in a component."""
        message = self._message()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = _make_trigger_id(self.components[component], "events")
        state.json_trigger_value = json.dumps([{"event": event, "value": value}])
        return await self._run(message)

    async def report(self, key: str, event: str, value: object) -> Answer:
        """What the page sends when a person chooses something in one of its parts."""
        self.reports += 1
        report = [self.reports, key, event, self.of[key], value]
        return await self.trigger("glassbox_page", "act", [report])

    async def close(self) -> None:
        await self.socket.close()

    def _message(self) -> BackMsg:
        message = BackMsg()
        run = message.rerun_script
        run.query_string, run.page_script_hash = self.query, self.page
        run.page_name = "" if self.page else self.folder
        run.cached_message_hashes.extend(self.kept)
        return message

    async def _run(self, message: BackMsg) -> Answer:
        """Send, and read until the script has finished."""
        self.runs += 1
        count = size = 0
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while True:
            raw = await self.socket.recv()
            count, size = count + 1, size + len(raw)
            answer = ForwardMsg.FromString(raw)
            if answer.WhichOneof("type") == "script_finished":
                break
            self._take(answer)
        ms = (time.perf_counter() - start) * 1000
        self.kept = {name: run for name, run in self.kept.items() if self.runs - run < KEPT_RUNS}
        if answer.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
            raise RuntimeError("the script did not run to its end")
        return Answer(ms, count, size)

    def _take(self, message: ForwardMsg) -> None:
        """Keep what a later message to the server needs."""
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            self.kept[message.ref_hash] = self.runs
        elif message.metadata.cacheable:
            self.kept[message.hash] = self.runs
        if kind == "navigation":
            self.page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._element(message.delta.new_element)

    def _element(self, element) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise RuntimeError(f"the page shows an exception: {element.exception.message}")
        if kind == "bidi_component":
            mounted = element.bidi_component
            self.components[mounted.component_name] = mounted.id
            if mounted.component_name == "glassbox_page":
                parts = _all(json.loads(mounted.json)["parts"])
                parts = list(parts)
                self.of = {part["key"]: part["of"] for part in parts if "of" in part}
                self.every = next((part["data"]["every"] for part in parts if part["kind"] == "ticker"), 0)


def _all(parts: list[dict]) -> Iterator[dict]:
    """These parts of a page, and those that stand in them."""
    for part in parts:
        yield part
        if part["kind"] in ("columns", "group", "fold"):
            for place in part["data"].get("places", [part["data"].get("parts", [])]):
                yield from _all(place)
