"""The browsers of the smoke test, behind the same few methods.

Chromium is Playwright's. No library drives Debian's Firefox and WebKitGTK as they are installed: Playwright
wants newer or patched ones, Selenium a geckodriver. So these two are spoken to directly: Firefox by WebDriver
BiDi over its own socket, WebKitGTK by the WebDriver protocol of WebKitWebDriver. Both take the same actions.
"""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from websockets.sync.client import connect

from tests.serving import free_port, stop

SIZE = {"width": 1280, "height": 720}
KEYS = {"ArrowLeft": "\ue012", "ArrowRight": "\ue014", "ArrowDown": "\ue015"}  # as WebDriver writes them
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
MINIBROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-*/MiniBrowser"), None)


class Engine:
    """A browser with one page: what each of them can do."""

    def open(self, url: str) -> None:
        raise NotImplementedError

    def run(self, script: str):
        """The value of a JavaScript expression on the page."""
        raise NotImplementedError

    def act(self, source: dict) -> None:
        """The actions of one input device, as WebDriver names them."""
        raise NotImplementedError

    def screenshot(self) -> bytes:
        """The window's contents as PNG."""
        raise NotImplementedError

    def key(self, name: str) -> None:
        """Press and release one of KEYS."""
        press = [{"type": way, "value": KEYS[name]} for way in ("keyDown", "keyUp")]
        self.act({"type": "key", "id": "keys", "actions": press})

    def click(self, x: float, y: float) -> None:
        """Click at a place of the window, in pixels."""
        move = {"type": "pointerMove", "x": round(x), "y": round(y)}
        press = [{"type": way, "button": 0} for way in ("pointerDown", "pointerUp")]
        self.act({"type": "pointer", "id": "mouse", "actions": [move, *press]})

    def wait(self, script: str, seconds: float = 30) -> None:
        """Until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self.run(f"!!({script})"):
            if time.monotonic() > end:
                raise TimeoutError(f"after {seconds:g} s it is still not so: {script}")
            time.sleep(0.05)


class Chromium(Engine):
    """A page of Playwright's."""

    def __init__(self, page):
        self.page = page
        self.open, self.run, self.screenshot = page.goto, page.evaluate, page.screenshot

    def key(self, name):
        self.page.keyboard.press(name)

    def click(self, x, y):
        self.page.mouse.click(x, y)


class Firefox(Engine):
    def __init__(self, socket):
        self.socket, self.number = socket, itertools.count(1)
        self._send("session.new", capabilities={})
        self.context = self._send("browsingContext.getTree")["contexts"][0]["context"]
        self._send("browsingContext.setViewport", context=self.context, viewport=SIZE)

    def _send(self, method: str, **params) -> dict:
        number = next(self.number)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv(60))).get("id") != number:
            pass  # an event
        if answer["type"] == "error":
            raise RuntimeError(answer["message"])
        return answer["result"]

    def open(self, url):
        self._send("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def run(self, script):
        expression = f"(async () => JSON.stringify(await ({script})) ?? null)()"
        target = {"context": self.context}
        made = self._send("script.evaluate", expression=expression, target=target, awaitPromise=True)
        if made["type"] == "exception":
            raise RuntimeError(made["exceptionDetails"]["text"])
        return json.loads(made["result"].get("value", "null"))

    def act(self, source):
        self._send("input.performActions", context=self.context, actions=[source])

    def screenshot(self):
        return base64.b64decode(self._send("browsingContext.captureScreenshot", context=self.context)["data"])


class WebKit(Engine):
    def __init__(self, driver: str):
        options = {"binary": str(MINIBROWSER), "args": ["--automation"]}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        session = self._send("POST", f"{driver}/session", capabilities=wanted)
        self.session = f"{driver}/session/{session['sessionId']}"
        self._send("POST", f"{self.session}/window/rect", **SIZE)
        inside = zip(SIZE.items(), self.run("[innerWidth, innerHeight]"), strict=True)
        outside = {name: 2 * size - within for (name, size), within in inside}
        self._send("POST", f"{self.session}/window/rect", **outside)

    @staticmethod
    def _send(method: str, to: str, /, **body):
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(to, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from error

    def open(self, url):
        self._send("POST", f"{self.session}/url", url=url)

    def run(self, script):
        return self._send("POST", f"{self.session}/execute/sync", script=f"return {script}", args=[])

    def act(self, source):
        self._send("POST", f"{self.session}/actions", actions=[source])

    def screenshot(self):
        return base64.b64decode(self._send("GET", f"{self.session}/screenshot"))

    def close(self):
        self._send("DELETE", self.session)


@contextlib.contextmanager
def firefox_engine(dark: bool = False) -> Iterator[Engine]:
    """Firefox with a profile of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (Path(profile) / "user.js").write_text(f'user_pref("ui.systemUsesDarkTheme", {int(dark)});\n')
        command = [FIREFOX, "--headless", "--no-remote", "--profile", profile]
        address = f"ws://127.0.0.1:{port}/session"
        with (
            _process([*command, f"--remote-debugging-port={port}"]),
            _patiently(lambda: connect(address, max_size=None)) as socket,
        ):
            yield Firefox(socket)


@contextlib.contextmanager
def webkit_engine(dark: bool = False) -> Iterator[Engine]:
    """WebKitGTK's MiniBrowser on a screen of its own."""
    port, display = free_port(), f":{free_port()}"
    look = {"GTK_THEME": "Adwaita:dark" if dark else "Adwaita", "DISPLAY": display}
    screen = ["Xvfb", display, "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
    with _process(screen), _process(["WebKitWebDriver", f"--port={port}"], **look):
        engine = _patiently(lambda: WebKit(f"http://127.0.0.1:{port}"))
        try:
            yield engine
        finally:
            engine.close()


ENGINES = {}  # those that are installed here
if FIREFOX:
    ENGINES["firefox"] = firefox_engine
if MINIBROWSER and shutil.which("WebKitWebDriver") and shutil.which("Xvfb"):
    ENGINES["webkit"] = webkit_engine


@contextlib.contextmanager
def _process(command: list[str], **environment: str) -> Iterator[None]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=os.environ | environment, **quiet)
    try:
        yield
    finally:
        stop(process)


def _patiently(start: Callable, seconds: float = 30):
    """What `start` makes, once what it needs has come up."""
    end = time.monotonic() + seconds
    while True:
        try:
            return start()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
