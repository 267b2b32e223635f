"""The walk through every kind of model: its own steps in its own order, the model's numbers on all of them."""

import html

import numpy as np
import pytest

import engine
from app import compute
from app.architecture import CONVOLVED, GLANCE, STEPS
from tests.app.conftest import CAPTIONERS, COLOURS, TRANSLATORS
from tests.app.visit import (
    bars,
    boxes,
    check_marked,
    curves,
    drawn,
    enter,
    figure,
    fire,
    given,
    keys,
    markdown,
    notices,
    pictures,
    press,
    tensors,
    texts,
    value_of,
    view,
    visit,
    what_if,
)

TEXT = "the cat [MASK] on the mat. [SEP] it was too tired"
IMAGE = "0123456789abcdefg" * 3 + "0" * 13
PICTURE = "0012" * 16
READS = (
    {"llama": TEXT, "bloom": TEXT, "qwen": TEXT, "bert": TEXT, "vit": IMAGE}
    | dict.fromkeys(TRANSLATORS, "the cat sat")
    | dict.fromkeys(CAPTIONERS, PICTURE)
)
WALKS = [
    ("llama", ""),
    ("bloom", ""),
    ("qwen", ""),
    ("bert", ""),
    ("vit", ""),
    ("pair", "encoder"),
    ("pair", "decoder"),
]
WALKS += [("t5", "encoder"), ("t5", "decoder")]
WALKS += [("seer", "encoder"), ("seer", "decoder"), ("teller", "encoder"), ("teller", "decoder")]
WALKS += [("cells", "encoder"), ("cells", "decoder"), ("glance", "encoder"), ("glance", "decoder")]
WALKS += [(cell, side) for cell in ("rnn", "gru", "lstm") for side in ("encoder", "decoder")]
AFTER = (*STEPS[:2], *STEPS[3:9], "layernorm", *STEPS[9:])  # where norms stand after the additions
CARRIED = ("tokens", "embeddings", "cell", "states")
ORDERS = [STEPS, STEPS, STEPS, AFTER, STEPS, AFTER[:-1], (*AFTER[:9], "cross", *AFTER[9:])]
ORDERS += [STEPS[:-1], (*STEPS[:9], "cross", *STEPS[9:])] * 2
ORDERS += [STEPS[:-1], (*CARRIED, "cross", "next")]
ORDERS += [(*CONVOLVED, *STEPS[1:-1]), (*CARRIED, "cross", "next")]
ORDERS += [(*CONVOLVED, "embeddings"), (*CARRIED, "next")]
ORDERS += [CARRIED, (*CARRIED, "next"), *[CARRIED, (*CARRIED, "cross", "next")] * 2]


def open(name: str, **link):
    field = "image" if name in ("vit", *CAPTIONERS) else "prompt"
    at = visit(model=name, **{field: READS[name], "step": "tokens"} | link)
    assert not at.exception
    return at


def run(name: str, target: str = "sat on"):
    return compute.trace(name, (READS[name], target) if name in WRITERS else READS[name])


WRITERS = (*TRANSLATORS, *CAPTIONERS)
STEPPED = [(*walk, step) for walk, order in zip(WALKS, ORDERS, strict=True) for step in order]


@pytest.mark.parametrize("name, stack, step", STEPPED)
def test_every_step_shows_the_models_numbers_and_its_lights_are_green(family, name, stack, step):
    link = dict(step=step, layer=1, head=2, token=1, key=1, unit=2) | (dict(stack=stack) if stack else {})
    at, trace = open(name, **link, target="sat on"), run(name)
    for header, tensor in pictures(at):
        point = (header.get("foot") or "").split("  ")[0]
        if point in trace.points():
            shared = 2 if trace.table[point].axes[1] == "G" else 1
            np.testing.assert_array_equal(tensor, np.repeat(drawn(trace, point), shared, 0))
            assert header["light"]["ok"], header["light"]["text"]
    for key in keys(at, "plot-"):
        assert not given(at, key).get("light") or given(at, key)["light"]["ok"]
    check_marked(at, trace, share=2 if name == "llama" else 1)
    assert boxes(at) or step in (*GLANCE, "tokens")
    for box in boxes(at):
        assert box.shown == pytest.approx(value_of(at, box, trace), rel=1e-4, abs=1e-12)
        assert box.by_hand == pytest.approx(box.shown, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("walk, order", list(zip(WALKS, ORDERS, strict=True)))
def test_the_map_shows_a_models_own_order(family, walk, order):
    at = open(walk[0], **(dict(stack=walk[1]) if walk[1] else {}))
    for i, step in enumerate(order):
        fire(at, "map", step=i)
        assert view(at).step == step
        assert given(at, "map")["at"] == given(at, "map")["unnumbered"] + i
        assert any(text.startswith(f"### {i + 1}. ") for text in texts(at))


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_a_number_of_the_state_is_followed_from_token_to_token(family, name):
    at, trace = open(name, step="cell", stack="decoder", token=1, unit=3, target="sat on"), run(name)
    lines = {called: y for called, (_, y) in curves(at, "plot-along").items()}
    steps = [f"decoder.steps.{t}" for t in range(trace.target.shape[1])]
    for called, point in (("state after", "h"), ("update", "update"), ("forget", "forget"), ("cell", "cell")):
        if called in lines:
            assert lines[called] == [float(trace[f"{step}.{point}"][0, 3]) for step in steps]
    assert "state after" in lines and len(lines) == {"rnn": 2, "gru": 4, "lstm": 6}[name]


# --- images in words --------------------------------------------------------------------------------


@pytest.fixture
def words(family):
    """What the captioner is shown to look at while it writes."""
    at = open("seer", stack="decoder", step="cross", layer=1, head=2, token=1, key=6, target="sat on")
    return at, run("seer")


def test_each_words_weights_are_laid_on_the_image(words):
    at, trace = words
    pattern = trace["decoder.blocks.1.cross.pattern"][0].numpy()
    for key in ("image-over", "looks"):
        header = given(at, key)
        assert (header["index"], header["token"], header["across"]) == (2, 1, 4)
        np.testing.assert_array_equal(tensors(at)[header["over"]], pattern)
        shown = tensors(at)[header["src"]]
        expected = [[COLOURS[int(sign)][plane] / 255 for sign in PICTURE] for plane in range(3)]
        np.testing.assert_allclose(shown.reshape(3, 64), expected, atol=1e-6)
    says = trace["decoder.logits"][0].argmax(-1).tolist()
    assert len(given(at, "looks")["says"]) == len(says) == pattern.shape[1]
    best = pattern[2, 1].argmax()
    assert any(f"({pattern[2, 1, best]:.0%})" in text for text in markdown(at))


def test_a_state_looks_at_the_image_as_a_transformers_token_does(family):
    at, trace = open("teller", stack="decoder", step="cross", token=2, key=3, target="sat on"), run("teller")
    weights = trace["decoder.cross.weights"].numpy()
    matrix = given(at, "matrix-cross.weights-")["src"]
    assert {given(at, key)["over"] for key in ("image-over", "looks")} == {matrix}
    np.testing.assert_array_equal(tensors(at)[given(at, "looks")["over"]], weights)
    assert any(f"({weights[0, 2].max():.0%})" in text for text in markdown(at))


def test_a_patch_is_picked_as_what_is_looked_at_and_a_word_as_what_looks(words):
    at, _ = words
    assert given(at, "image-over")["by"] == "key"
    fire(at, "image-over", place=9)
    assert (view(at).token, view(at).key) == (1, 9)
    fire(at, "looks", token=2)
    assert (view(at).token, view(at).key) == (2, 9)


def test_another_image_has_another_caption(words):
    at, _ = words
    fire(at, "painting", image="1" * 64)
    assert (view(at).image, view(at).target) == ("1" * 64, "")
    assert given(at, "bar")["ids"] == compute.trace("seer", ("1" * 64, "")).target[0].tolist()


def test_the_colours_to_paint_with_are_the_models(words):
    header = given(words[0], "painting")
    assert header["palette"] == [[round(x) for x in colour] for colour in COLOURS]
    assert (header["signs"], header["side"], header["text"]) == ("012", 8, PICTURE)


@pytest.mark.parametrize("image", ["3" * 64, "0" * 65, "<script>"])
def test_a_picture_that_is_none_says_what_one_is(family, image):
    at = visit(model="seer", image=image)
    assert not at.exception
    assert "64 signs" in notices(at)[0]
    assert given(at, "painting")


# --- encoders ------------------------------------------------------------------------------------


def test_the_text_after_sep_is_the_second(family):
    at, trace = open("bert", step="next"), run("bert")
    end = trace.ids[0].tolist().index(family["bert"].tokenizer.end)
    assert trace.segments[0].tolist() == [int(t > end) for t in range(trace.ids.shape[1])]
    shares = trace["follows.scores"][0].softmax(-1).tolist()
    assert bars(at, "plot-follows") == pytest.approx(shares)


def test_one_text_alone_is_not_asked_whether_it_follows(family):
    at = open("bert", step="next", prompt="the cat [MASK]")
    assert "plot-follows" not in keys(at)
    assert any("type **[SEP]** between" in text for text in markdown(at))


def test_the_candidates_are_the_best_of_the_masks_row(family):
    at, trace = open("bert", step="next"), run("bert")
    place = trace.ids[0].tolist().index(family["bert"].tokenizer.mask)
    shares = trace["logits"][0, place].softmax(-1)
    drawn = bars(at, "plot-candidates")
    assert drawn == pytest.approx(shares.topk(len(drawn)).values.tolist())


def test_a_picked_token_is_hidden_and_a_candidate_written_in_its_place(family):
    at = open("bert", step="next", prompt="The cat sat, the mat", token=3)
    assert any("There is no" in text for text in markdown(at))
    press(at, "mask")
    assert view(at).prompt == "The cat [MASK], the mat"
    best = html.unescape(figure(at, "plot-candidates").data[0].customdata[0])
    press(at, "fill in")
    word = best.removeprefix("##")
    assert view(at).prompt == (
        f"The cat{word}, the mat" if best.startswith("##") else f"The cat {word}, the mat"
    )


@pytest.mark.parametrize("token", [0, 12])
def test_the_ends_of_a_text_cannot_be_hidden(family, token):
    at = open("bert", step="next", token=token)
    assert given(at, "button-hide")["disabled"] == (token == 0 or token == len(run("bert").tokens()) - 1)


def test_the_lesson_is_drawn_again_and_says_what_was_done(family):
    at, seen = open("bert", step="next"), set()
    for _ in range(6):
        parts = given(at, "lesson")["parts"]
        names = [t.decode() for t in run("bert").tokens()]
        assert len(parts) == len(names)
        for (text, done), name in zip(parts, names, strict=True):
            assert done or text == name
            assert text == "[MASK]" or "masked" not in done
        seen.add(str(parts))
        press(at, "draw again")
    assert len(seen) > 1


def test_a_words_vectors_in_two_texts_part_block_by_block(family):
    other = "it sat on the cat"
    at = open("bert", step="layers", token=2, other=other)
    lines = [y for _, y in curves(at, "plot-company").values()]
    theirs = engine.run(family["bert"], other)
    at_place = theirs.ids[0].tolist().index(run("bert").ids[0, 2].item())
    for i, cosine in enumerate(lines[0][:-1]):
        a, b = run("bert")[f"blocks.{i}.resid_pre"][0, 2], theirs[f"blocks.{i}.resid_pre"][0, at_place]
        assert cosine == pytest.approx(float(a @ b / (a.norm() * b.norm())), abs=1e-5)
    assert len(lines[0]) == family["bert"].config.layers + 1


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ("", "Type another text"),
        ("it was tired", "has no token"),
        ("a " * 200, "cannot be read"),
        ("<b>x", "no token"),
    ],
)
def test_another_text_that_does_not_help_says_so(family, other, says):
    at = open("bert", step="layers", token=2, other=other)
    assert any(says in text for text in markdown(at))


# --- images --------------------------------------------------------------------------------------


def test_the_image_is_shown_as_it_was_given_and_its_patches_as_the_model_reads_them(family):
    at = open("vit")
    shown = tensors(at)[given(at, "image-")["src"]][0]
    np.testing.assert_allclose(
        shown.ravel(), ["0123456789abcdefg".index(sign) / 16 for sign in IMAGE], atol=1e-6
    )
    prepared = (shown - 0.4) / 0.3
    np.testing.assert_allclose(run("vit")["embed.pixels"][0, 1].numpy(), prepared[:2, 2:4].ravel(), atol=1e-5)


def test_drawing_runs_the_model_on_the_drawn_image(family):
    at = fire(open("vit", step="next"), "drawing", image="g" * 64)
    assert view(at).image == "g" * 64
    shares = compute.trace("vit", "g" * 64)["classes"][0].softmax(-1).tolist()
    assert bars(at, "plot-classes") == pytest.approx(shares)


@pytest.mark.parametrize("image", ["x" * 64, "0" * 63, "0" * 65, "<script>", "é" * 64, "G" * 64])
def test_an_image_that_is_none_says_what_one_is(family, image):
    at = visit(model="vit", image=image)
    assert not at.exception
    assert "64 signs" in notices(at)[0]
    assert given(at, "drawing")


def test_the_weights_on_the_image_are_those_of_the_picked_head(family):
    at = open("vit", step="heads", layer=2, head=1, token=5)
    header = given(at, "image-over")
    assert (header["index"], header["token"], header["across"]) == (1, 5, 4)
    np.testing.assert_array_equal(tensors(at)[header["over"]], run("vit")["blocks.2.attn.pattern"][0].numpy())
    assert fire(at, "image-over", place=9) and view(at).token == 9


def test_after_every_block_the_classes_have_probabilities(family):
    at = open("vit", step="layers")
    shares = tensors(at)[given(at, "matrix-lens")["src"]][0]
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(shares[-1], run("vit")["classes"][0].softmax(-1).numpy(), rtol=1e-4)


# --- two stacks ----------------------------------------------------------------------------------


def test_alone_the_decoder_reads_what_it_wrote_itself(family):
    at = open("pair", stack="decoder")
    steps = [step.id for step in engine.generate(family["pair"], READS["pair"])]
    assert given(at, "bar")["ids"] == [family["pair"].start, *steps]


def test_a_given_target_is_read_instead_and_the_page_says_what_the_model_would_have_said(family):
    at = open("pair", step="next", target="sat on", token=0)
    trace = run("pair")
    assert given(at, "bar")["ids"] == trace.target[0].tolist()
    best = trace["decoder.logits"][0, 0].softmax(-1).max()
    assert any(f"{best:.1%}" in text and "would write" in text for text in markdown(at))
    assert any("teacher forcing" in text for text in markdown(at))


def test_the_chips_and_the_bar_follow_the_stack(family):
    at = open("pair", target="sat on")
    assert given(at, "bar")["ids"] == run("pair").ids[0].tolist()  # what is read comes first
    for stack, ids in (("decoder", run("pair").target), ("encoder", run("pair").ids)):
        fire(at, "bar", stack=stack)
        assert view(at).stack == stack and given(at, "bar")["ids"] == ids[0].tolist()


def test_in_cross_attention_the_other_text_is_looked_at(family):
    at = open("pair", step="cross", layer=1, head=1, token=1, key=2, target="sat on")
    header, tensor = next((h, t) for h, t in pictures(at) if "cross.pattern" in h["foot"])
    assert header["cols"] == given(open("pair", stack="encoder"), "bar")["tokens"]
    np.testing.assert_array_equal(tensor, run("pair")["decoder.blocks.1.cross.pattern"][0].numpy())
    assert header["pick"] == [1, 2]


def test_a_chosen_token_joins_the_target_and_the_model_writes_on_from_there(family):
    tokenizer = family["pair"].tokenizer
    chosen, first = tokenizer.encode(" mat")[0], run("pair").target[0, 1].item()
    text = tokenizer.decode([first, chosen])
    press(at := open("pair", step="next", target="sat on", token=1, entry=chosen), "append")
    assert view(at).target == text
    recut = tokenizer.encode(text)[:-1] != [first, chosen]
    assert any("cut differently" in shown for shown in markdown(at)) == recut
    press(at, "continue")
    ids = run("pair", text).target[0].tolist()
    steps = [step.id for step in engine.generate(family["pair"], READS["pair"], target=ids)]
    assert view(at).target == family["pair"].tokenizer.decode([*ids[1:], *steps])
    press(at, "let it write everything")
    assert view(at).target == ""


def test_a_step_that_a_model_lacks_leads_to_one_that_it_has(family):
    for link, step in (
        (dict(model="llama", step="cross"), "heads"),
        (dict(stack="encoder", step="next"), "layers"),
    ):
        at = open(link.pop("model", "pair"), **link)
        assert view(at).step == step
        assert any("There is no step" in text for text in markdown(at))


def test_a_target_that_is_too_long_says_so_and_can_be_taken_back(family):
    at = visit(model="pair", prompt=READS["pair"], target="on " * 60)
    assert not at.exception
    assert "the target has" in notices(at)[0].lower()
    press(at, "let the decoder write")
    assert view(at).target == "" and not notices(at)


def test_a_target_is_typed_in(family):
    at = open("pair", stack="decoder")
    enter(at, "target", "sat on")
    assert view(at).target == "sat on"
    assert given(at, "bar")["ids"] == run("pair").target[0].tolist()


@pytest.mark.parametrize(
    ("text", "knows"),
    [
        ("She gave him the book yesterday.", True),
        ("The animal didn't cross the street because it was too tired", True),
        ("El perro está en la casa.", False),
        ("Wo ist der Bahnhof?", False),
        ("这是一本书", False),
        ("asdf qwer zxcv", False),
    ],
)
def test_a_text_that_a_translator_cannot_read_is_told_by_its_own_probabilities(text, knows):
    at = visit(model="interpreter", step="tokens", stack="decoder", prompt=text)
    assert not at.exception
    assert view(at).prompt == text
    assert any("do not trust" in shown for shown in markdown(at)) != knows
    trace, steps = compute.trace("interpreter", (text, "")), engine.generate(compute.model("interpreter"), text)
    shares = [step.probability for step in steps]
    shares.append(trace["decoder.logits"][0, -1].softmax(-1)[trace.model.end].item())
    mean = float(np.exp(np.log(shares).mean()))
    assert any(f"{mean:.0%} on average" in shown for shown in markdown(at))


@pytest.mark.parametrize("token", range(3))
def test_a_token_that_the_model_writes_itself_is_not_cut_differently(token):
    text = "She gave him the book yesterday."
    ids = compute.written("interpreter", text, (compute.model("interpreter").start,))
    at = press(visit(model="interpreter", step="next", prompt=text, token=token), "append")
    tokenizer = compute.model("interpreter").tokenizer
    assert view(at).target == tokenizer.decode(list(ids[1 : token + 2]))
    assert not any("cut differently" in shown for shown in markdown(at))


# --- do heads align words ---------------------------------------------------------------------------


def test_a_head_is_said_to_align_where_that_was_measured_and_the_best_one_is_a_click_away(aligned):
    link = dict(model="interpreter", prompt="I see a cat.", stack="decoder", step="cross", token=1)
    at = visit(**link, layer=0, head=2)
    [said] = [shown for shown in markdown(at) if "alignment error rate" in shown]
    assert "does not align words better than a diagonal" in said
    assert (
        "**50%** (45%–55%); the diagonal has 33%" in said
        and "Head 0 of block 1 has the fewest errors, 13%" in said
    )
    at = press(at, "aligns best")
    assert (view(at).layer, view(at).head) == (1, 0)
    [said] = [shown for shown in markdown(at) if "alignment error rate" in shown]
    assert "This head **aligns words**" in said and "from which it is predicted" in said
    assert "button-aligning" not in keys(at)


def test_nothing_is_said_of_a_head_that_was_not_measured_or_that_is_changed(aligned):
    link = dict(model="interpreter", prompt="I see a cat.", stack="decoder", step="cross", token=1)
    changed = what_if(engine.Edit("decoder.blocks.0.cross.z", "zero", {"H": 1}))
    for at in (visit(**link, layer=2, head=2), visit(**link, layer=1, head=0, **changed)):
        assert not any("alignment error rate" in shown for shown in markdown(at))


def test_the_look_back_is_said_to_align(aligned):
    at = visit(model="lookback-gru", prompt="I see a cat.", stack="decoder", step="cross", token=1)
    [said] = [shown for shown in markdown(at) if "alignment error rate" in shown]
    assert "The look back **aligns words**" in said and "**25%** (20%–30%)" in said
