"""The entry script: `python run.py` opens it, `streamlit run app/main.py` works too."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from app import components  # noqa: E402
from app.warm import warm  # noqa: E402

st.set_page_config(page_title="Glassbox", page_icon=str(ROOT / "assets" / "icon.svg"), layout="wide")
warm()
st.logo(str(ROOT / "assets" / "logo.svg"), size="large")
components.library()
st.navigation(
    [
        st.Page("views/walk/page.py", title="Walk", default=True),
        st.Page("views/machine/page.py", title="Machine", url_path="machine"),
        st.Page("views/families/page.py", title="Families", url_path="families"),
        st.Page("views/models/page.py", title="The models", url_path="model"),
    ],
    position="top",
).run()
