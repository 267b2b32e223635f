"""What hypothesis draws for links."""

from hypothesis import strategies as st

from engine.masks import MASKS
from engine.trace.tap import Edit

POINTS = ["blocks.0.attn.z", "blocks.3.mlp.out", "decoder.blocks.1.attn.scores", "embed.token"]
PLACES = st.dictionaries(st.sampled_from("HTSE"), st.integers(0, 99), max_size=3)
NUMBERS = st.floats(-1e9, 1e9)
EDITS = st.one_of(
    st.builds(Edit, st.sampled_from(POINTS), st.sampled_from(["zero", "mean"]), PLACES),
    st.builds(Edit, st.sampled_from(POINTS), st.sampled_from(["set", "scale"]), PLACES, NUMBERS),
    st.builds(Edit, st.sampled_from(POINTS), st.just("take"), value=st.sampled_from(POINTS)),
    st.builds(
        Edit,
        st.just("blocks.2.attn.mask"),
        st.just("mask"),
        value=st.tuples(st.sampled_from(tuple(MASKS)), st.integers(0, 99)),
    ),
)
