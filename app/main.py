"""The entry script: `python run.py` opens it, `streamlit run app/main.py` works too."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from app import (  # noqa: E402
    address,
    components,
    compute,
    state,
    turns,
)
from app.trouble import no_panics  # noqa: E402
from app.warm import warm  # noqa: E402
from engine import device  # noqa: E402

with turns.drawing():
    st.set_page_config(page_title="Glassbox", page_icon=str(ROOT / "assets" / "icon.svg"), layout="wide")
    warm()
    st.logo(str(ROOT / "assets" / "logo.svg"), size="large")
    components.library()
    pages = {
        "walk": st.Page("views/walk/page.py", title="Walk", default=True),
        "decode": st.Page("views/decode/page.py", title="Decode", url_path="decode"),
        "tokenizers": st.Page("views/tokenizers/page.py", title="Tokenizers", url_path="tokenizers"),
        "families": st.Page("views/families/page.py", title="Families", url_path="families"),
        "train": st.Page("views/train/page.py", title="Train", url_path="train"),
        "by_hand": st.Page("views/by_hand/page.py", title="By hand", url_path="by-hand"),
        "models": st.Page("views/models/page.py", title="The models", url_path="model"),
    }
    if address.shared():
        pages["join"] = st.Page("views/join/page.py", title="Join", url_path="join")
    page = st.navigation([*pages.values()], position="top")
    if to := state.leaving():
        if page is not pages[to]:
            st.switch_page(pages[to], query_params=state.link())
        state.arrived()
    if device.note():
        st.warning(device.note())
    try:
        with no_panics():
            page.run()
    except RuntimeError as error:
        if not compute.fall_back(error):
            raise
        st.rerun()
