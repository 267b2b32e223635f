"""The app as a server: warm before the first visitor, and with a second wall against hostile text.

python -m streamlit run app/server.py
"""

import base64
import contextlib
import hashlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402
import streamlit.net_util  # noqa: E402
import streamlit.web.skills  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402

from app.components import PLOTLY_URL  # noqa: E402
from app.warm import warm  # noqa: E402


def inline_scripts() -> str:
    """The hashes of the scripts inside Streamlit's own page, so that these and no others may run."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text("utf-8")
    bodies = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", page, re.DOTALL)
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


# Streamlit would ask a host outside for this machine's public address when a page comes under another name.
streamlit.net_util.get_external_ip = lambda: None
# On a programmer's machine it would offer, over the page, to install files for coding assistants.
streamlit.web.skills.agent_harness_present = lambda: False


@contextlib.asynccontextmanager
async def lifespan(app):
    warm()
    yield


app = st.App(str(ROOT / "app" / "main.py"), lifespan=lifespan, middleware=[Middleware(Headers)])
