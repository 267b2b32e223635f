"""The browsers of the smoke test, all behind the same few methods.

Chromium is Playwright's. Neither Playwright nor any other library on PyPI drives Debian's Firefox and WebKitGTK as
they are installed, so these two are spoken to directly: Firefox by WebDriver BiDi over its own socket, WebKitGTK by
the WebDriver protocol of WebKitWebDriver. Both take the same actions.
"""

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from websockets.sync.client import connect

from tests.serving import chromium, free_port

SIZE = {"width": 1280, "height": 720}
KEYS = {
    "ArrowRight": "\ue014",
    "ArrowLeft": "\ue012",
    "ArrowDown": "\ue015",
    "Tab": "\ue004",
    "Enter": "\ue007",
}
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
        value = KEYS.get(name, name)
        self.act(
            {
                "type": "key",
                "id": "keys",
                "actions": [{"type": t, "value": value} for t in ("keyDown", "keyUp")],
            }
        )

    def click(self, x: float, y: float) -> None:
        move = {"type": "pointerMove", "x": round(x), "y": round(y)}
        press = [{"type": t, "button": 0} for t in ("pointerDown", "pointerUp")]
        self.act({"type": "pointer", "id": "mouse", "actions": [move, *press]})

    def wait(self, script: str, seconds: float = 30) -> None:
        """Until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self.run(f"!!({script})"):
            if time.monotonic() > end:
                raise TimeoutError(f"after {seconds:g} s it is still not so: {script}")
            time.sleep(0.05)


class Chromium(Engine):
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
        inner = "[outerWidth - innerWidth, outerHeight - innerHeight]"
        self._send("POST", f"{self.session}/window/rect", **SIZE)
        across, down = self.run(inner)
        self._send(
            "POST", f"{self.session}/window/rect", width=SIZE["width"] + across, height=SIZE["height"] + down
        )

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
def chromium_engine(dark: bool = False) -> Iterator[Engine]:
    with chromium() as browser:
        yield Chromium(browser.new_page(viewport=SIZE, color_scheme="dark" if dark else "light"))


@contextlib.contextmanager
def firefox_engine(dark: bool = False) -> Iterator[Engine]:
    """Firefox with a profile of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (Path(profile) / "user.js").write_text(f'user_pref("ui.systemUsesDarkTheme", {int(dark)});\n')
        command = [
            firefox(),
            "--headless",
            "--no-remote",
            "--profile",
            profile,
            f"--remote-debugging-port={port}",
        ]
        with (
            _process(command),
            _patiently(lambda: connect(f"ws://127.0.0.1:{port}/session", max_size=None)) as s,
        ):
            yield Firefox(s)


@contextlib.contextmanager
def webkit_engine(dark: bool = False) -> Iterator[Engine]:
    """WebKitGTK's MiniBrowser on a screen of its own."""
    port, display = free_port(), f":{free_port()}"
    theme = {"GTK_THEME": "Adwaita:dark" if dark else "Adwaita", "DISPLAY": display}
    screen = ["Xvfb", display, "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
    with _process(screen), _process(["WebKitWebDriver", f"--port={port}"], **theme):
        engine = _patiently(lambda: WebKit(f"http://127.0.0.1:{port}"))
        try:
            yield engine
        finally:
            engine.close()


def firefox() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


def webkit() -> bool:
    """Whether all is there that WebKitGTK needs to be driven."""
    return bool(MINIBROWSER and shutil.which("WebKitWebDriver") and shutil.which("Xvfb"))


@contextlib.contextmanager
def _process(command: list[str], **environment: str) -> Iterator[None]:
    import os

    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=os.environ | environment, **quiet)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def _patiently(start, seconds: float = 20):
    """What `start` makes, once what it needs has come up."""
    end = time.monotonic() + seconds
    while True:
        try:
            return start()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
