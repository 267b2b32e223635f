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
    pages = [
        st.Page("views/walk/page.py", title="Walk", default=True),
        st.Page("views/decode/page.py", title="Decode", url_path="decode"),
        st.Page("views/tokenizers/page.py", title="Tokenizers", url_path="tokenizers"),
        st.Page("views/families/page.py", title="Families", url_path="families"),
        st.Page("views/train/page.py", title="Train", url_path="train"),
        st.Page("views/by_hand/page.py", title="By hand", url_path="by-hand"),
        st.Page("views/models/page.py", title="The models", url_path="model"),
    ]
    if address.shared():
        pages.append(st.Page("views/join/page.py", title="Join", url_path="join"))
    page = st.navigation(pages, position="top")
    if to := state.leaving():
        st.switch_page(f"views/{to}/page.py", query_params=state.link())
    if device.note():
        st.warning(device.note())
    try:
        with no_panics():
            page.run()
    except RuntimeError as error:
        if not compute.fall_back(error):
            raise
        st.rerun()
