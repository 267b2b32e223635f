"""The least that Streamlit can do: one button, one text. What its own rerun costs."""

import streamlit as st

if "count" not in st.session_state:
    st.session_state.count = 0
if st.button("Again"):
    st.session_state.count += 1
st.text(f"pressed {st.session_state.count} times")
