"""The KV cache on the page: what is kept and let go are the run's own numbers, what it saves the formulas'."""

import numpy as np
import pytest

import engine
from app import compute, writing
from app.text import sized
from app.views.decode import cache
from engine.decode import cost
from engine.decode.keeping import Timing
from tests.app.conftest import CAPTIONERS, TRANSLATORS
from tests.app.decoding import decoding
from tests.app.visit import MAIN, bars, curves, enter, fire, given, keys, model, parts, pictures, texts, visit

PROMPT = "The cat sat on the"


def page(**link):
    at = decoding(**dict(part="cache", prompt=PROMPT) | link)
    assert not at.exception
    return at


def drawn(at, name: str) -> np.ndarray:
    src = given(at, f"matrix-{name}")["src"]
    return next(values for header, values in pictures(at) if header["src"] == src)[0]


def run():
    written = engine.generate(model(), PROMPT, engine.Decoding(max_tokens=3))
    return engine.run(model(), PROMPT + "".join(step.text for step in written))


@pytest.mark.parametrize("head", [0, 4])
def test_keys_and_values_stay_and_the_rest_is_let_go(head):
    at, own = page(at_pass=4, layer=2, head=head), run()
    T = own.ids.shape[1]
    block = "blocks.2.attn"
    assert drawn(at, "k") == pytest.approx(own[f"{block}.k_rot"][0, head].numpy().T, abs=1e-5)
    assert drawn(at, "v") == pytest.approx(own[f"{block}.v"][0, head].numpy().T, abs=1e-5)
    q, weights = drawn(at, "q"), drawn(at, "pattern")
    assert np.isneginf(q[:, :-1]).all() and np.isneginf(weights[:-1]).all()
    assert q[:, -1] == pytest.approx(own[f"{block}.q_rot"][0, head, -1].numpy(), abs=1e-5)
    assert weights[-1] == pytest.approx(own[f"{block}.pattern"][0, head, -1].numpy(), abs=1e-5)
    assert weights[-1].sum() == pytest.approx(1, abs=1e-5)
    assert all(given(at, f"matrix-{name}")["light"]["ok"] for name in ("k", "v", "q", "masked", "pattern"))
    assert bars(at, "plot-pass") == [cost.token_flops(model().config, T, c) for c in (True, False)]
    assert (drawn(at, "read")[1] == [0.5] * (T - 1) + [1]).all()


def test_the_first_pass_reads_the_whole_prompt():
    at = page(at_pass=1)
    tokens = len(model().tokenizer.encode(PROMPT))
    assert drawn(at, "k").shape[1] == tokens and not np.isneginf(drawn(at, "q")).any()
    assert len({*bars(at, "plot-pass")}) == 1
    at = fire(at, "control-pass", change=3)
    assert drawn(at, "k").shape[1] == tokens + 2
    assert f"The {tokens + 1} earlier columns" in " ".join(texts(at))


def test_the_curves_are_the_formulas():
    at, config = page(), model().config
    kept, anew = curves(at, "plot-flops-token").values()
    assert kept[0] == anew[0] and kept[0][-1] == config.context
    assert kept[1][-1] == cost.token_flops(config, config.context)
    assert anew[1][-1] == cost.token_flops(config, config.context, cached=False)
    whole = curves(at, "plot-flops-whole")
    first, count = int(kept[0][0]), len(kept[0])
    for cached, (_, y) in zip((True, False), whole.values(), strict=True):
        assert y[-1] == cost.text_flops(config, first, count, cached)


def test_what_is_said_of_well_known_models_is_so():
    shapes = cost.SHAPES
    of = {name: cache.cache_of(shape, 4096) for name, shape in shapes.items()}
    assert of["LLaMA-2-70B"] < of["LLaMA-2-7B"]
    assert shapes["LLaMA-2-70B"].config.group_size == 8
    assert cache.cache_of(shapes["Mistral-7B"], 8192) == of["Mistral-7B"]
    lengths, sizes = curves(page(), "plot-bytes")["LLaMA-2-70B if no heads shared keys"]
    assert sizes[-1] == pytest.approx(8 * of["LLaMA-2-70B"]) and lengths[-1] == 4096
    assert cache.scores_of(shapes["GPT-2 small"], 1000) == 4 * cache.scores_of(shapes["GPT-2 small"], 500)


def test_times_are_measured_only_when_asked(monkeypatch):
    asked = []

    def timed(*args):
        asked.append(args)
        return Timing([5, 6, 7], [0.01, 0.01, 0.01], [0.02, 0.04, 0.06], 3)

    monkeypatch.setattr(writing, "timed", timed)
    at = page()
    assert not asked and not keys(at, "plot-time")
    at = fire(at, "button-time", change=True)
    assert asked == [("storybook", PROMPT, cache.TIMED)]
    assert curves(at, "plot-time-each")["without"] == ([5, 6, 7], [20, 40, 60])
    assert curves(at, "plot-time-all")["without"][1] == pytest.approx([20, 60, 120])
    assert "4.0 times as long" in " ".join(texts(at))


@pytest.mark.parametrize("name", ["llama", "bloom", "mixed", "qwen", *TRANSLATORS, *CAPTIONERS, "unigram"])
def test_every_model_that_writes_shows_what_it_keeps(family, name):
    at = page(model=name, prompt="the cat sat", at_pass=2)
    kinds = [part["key"] for part in parts(at)]
    two = name in ("pair", "t5", "seer", "unigram")
    assert ("matrix-k" in kinds) == (two or name in ("llama", "bloom", "mixed", "qwen"))
    assert ("matrix-cross-k" in kinds) == two
    assert ("plot-state" in kinds) == ("matrix-k" not in kinds)
    for key in kinds:
        if key.startswith("matrix-") and key != "matrix-read":
            assert given(at, key)["light"]["ok"], key


def test_a_full_window_is_shown_as_it_is(family):
    context = family["llama"].config.context
    at = page(model="llama", prompt="a" + " a" * (context - 1))
    assert f"After {context} tokens" in " ".join(texts(at)) and "control-pass" not in keys(at)
    assert enter(at, "part", "cache") and not at.exception


def test_the_keys_of_cross_attention_are_all_there_from_the_first_pass():
    at = visit(part="cache", model="interpreter", prompt="I see a cat.", at_pass=1, stack="decoder")
    at.switch_page(str(MAIN.parent / "views" / "decode" / "page.py")).run()
    reader = compute.model("interpreter")
    own = engine.run(reader, "I see a cat.")
    source = own.ids.shape[1]
    assert drawn(at, "cross-k").shape[1] == source and drawn(at, "k").shape[1] == 1
    assert drawn(at, "cross-k") == pytest.approx(own["decoder.blocks.0.cross.k"][0, 0].numpy().T, abs=1e-5)
    size = sized(cost.cache_bytes(reader.reads[1], 1, source=source))
    assert f"keeps its key and value: {size} in all blocks, those of the encoder's positions" in " ".join(
        texts(at)
    )
