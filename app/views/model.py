"""The model's card: what it is, what it learned from, how well it does, what it cannot do."""

import streamlit as st

import engine
from app import state
from engine.load import SHIPPED

name = state.view(engine.shipped()).model or engine.shipped()[0]
st.markdown((SHIPPED / name / "card.md").read_text("utf-8"))
