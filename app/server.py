"""The app as a server: warm before the first visitor, and with a second wall against hostile text.

python -m streamlit run app/server.py
"""

import base64
import contextlib
import gc
import hashlib
import re
import socket
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402
import streamlit.net_util  # noqa: E402
import streamlit.runtime.app_session  # noqa: E402
import streamlit.web.skills  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import HTMLResponse, PlainTextResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402

from app import address, trouble  # noqa: E402
from app.components import PLOTLY_URL  # noqa: E402
from app.warm import warm  # noqa: E402
from engine.device import choose  # noqa: E402

# Where a page other than the first is opened, Streamlit would first look for its server below its address,
# and the browser would note two errors. So its page says there where the server is.
PAGES = ("decode", "tokenizers", "families", "train", "by-hand", "model", "join")
SERVER = f"""window.__streamlit = {{
  BACKEND_BASE_URL: location.origin + location.pathname.replace(/({"|".join(PAGES)})\\/?$/, ""),
}}"""
INDEX = (Path(st.__file__).parent / "static" / "index.html").read_text("utf-8")
INDEX = INDEX.replace("<head>", f"<head><script>{SERVER}</script>", 1)


async def index(request: Request) -> HTMLResponse:
    """Streamlit's own page, where it stands for one of PAGES."""
    return HTMLResponse(INDEX, headers={"cache-control": "no-cache"})


def inline_scripts() -> str:
    """The hashes of the scripts inside Streamlit's own page, so that these and no others may run."""
    bodies = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", INDEX, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies)
    return " ".join(f"'sha256-{h}'" for h in hashes)


# Scripts only from this server (blob: is how Streamlit loads components), pictures only from here, nothing
# framed, no request to any other host.
POLICY = "; ".join(
    (
        "default-src 'self'",
        f"script-src 'self' blob: 'wasm-unsafe-eval' {inline_scripts()}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


# The library of the charts has its version in its address: a browser asks for it once. It goes out as it is, as
# Streamlit's own scripts do: to compress its 4.8 MB for every visitor would cost more than it saves.
PLOTLY = "/" + PLOTLY_URL.partition("?")[0]
KEPT = (b"cache-control", b"public, max-age=31536000, immutable")


class Hosts:
    """Answers only what was asked by a name of this machine's own: a page elsewhere could have its name lead
    here and read along (DNS rebinding). And it tells nobody how busy it is."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        host = dict(scope.get("headers", ())).get(b"host", b"").decode("latin-1")
        if scope["type"] in ("http", "websocket") and not is_own(host):
            why = f"{host[:100]!r} is no name of this server; --server.allowedHosts NAME makes it one."
            return await _refuse(scope, receive, send, 421, why)
        if scope["type"] == "http" and scope["path"].rstrip("/").endswith("/_stcore/metrics"):
            return await _refuse(scope, receive, send, 404, "Not found.")
        return await self.app(scope, receive, send)


def is_own(host: str) -> bool:
    """Is this Host an address in numbers, localhost, this machine's name, or a name that the server was told by
    --server.address, --browser.serverAddress or --server.allowedHosts?"""
    name = re.sub(r":\d*$", "", host).lower().rstrip(".")
    with contextlib.suppress(ValueError):
        return bool(ip_address(name.removeprefix("[").removesuffix("]")))
    machine = socket.gethostname().lower()
    own = ["localhost", machine, machine.partition(".")[0] + ".local"]
    own += [address.listened()[0], st.get_option("browser.serverAddress")]
    own += st.get_option("server.allowedHosts")
    return any(fnmatchcase(name, pattern.lower()) for pattern in own if pattern)


async def _refuse(scope, receive, send, status: int, why: str) -> None:
    if scope["type"] == "http":
        return await PlainTextResponse(why, status)(scope, receive, send)
    await receive()  # the wish to connect
    await send({"type": "websocket.close", "code": 1008})


class Headers:
    """Adds HEADERS to every response, and has browsers keep Plotly."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        kept = scope["type"] == "http" and scope["path"].endswith(PLOTLY)

        async def with_headers(message):
            if message["type"] == "http.response.start":
                own = [h for h in message["headers"] if not (kept and h[0] == KEPT[0])]
                message["headers"] = [*own, *HEADERS, *([KEPT] if kept and message["status"] == 200 else [])]
            await send(message)

        if kept:
            scope = scope | {"headers": [h for h in scope["headers"] if h[0] != b"accept-encoding"]}
        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def copied(write: Callable) -> Callable:
    """A function that writes a section of the theme into a message, as a copy of what it wrote first."""
    made = {}

    def write_copy(message, section: str = "theme") -> None:
        if section not in made:
            write(message, section)
            made[section] = type(message)()
            made[section].CopyFrom(message)
        elif made[section].ByteSize():
            message.MergeFrom(made[section])

    return write_copy


# Streamlit would ask a host outside for this machine's public address when a page comes under another name.
streamlit.net_util.get_external_ip = lambda: None
# It would write the theme, which does not change, anew for every run: a seventh of what a run costs.
streamlit.runtime.app_session._populate_theme_msg = copied(streamlit.runtime.app_session._populate_theme_msg)
# On a programmer's machine it would offer, over the page, to install files for coding assistants.
streamlit.web.skills.agent_harness_present = lambda: False


def send_at_once() -> None:
    """TCP_NODELAY on the listening socket, which those that it accepts inherit.

    asyncio sets it on sockets made for TCP by number only, and Streamlit's is not: a burst of messages would
    wait for the other side to acknowledge the first.
    """
    for thing in gc.get_objects():
        if type(thing) is socket.socket and thing.family in (socket.AF_INET, socket.AF_INET6):
            thing.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@contextlib.asynccontextmanager
async def lifespan(app):
    send_at_once()
    warm()
    for line in () if address.behind() else address.told():
        print(f"[glassbox] {line}", flush=True)
    yield


try:
    choose()
except ValueError as error:  # a person typed it: no traceback
    sys.exit(f"[glassbox] {error}")

app = st.App(
    str(ROOT / "app" / "main.py"),
    lifespan=lifespan,
    middleware=[Middleware(Headers), Middleware(Hosts)],
    routes=[Route(f"/{page}", index) for page in PAGES],
    on_script_error=trouble.show,
)
