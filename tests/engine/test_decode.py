"""From scores to text: the reference's steps, seeded draws, and the ends of a text."""

import itertools
import json
import math
from collections import Counter

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.decode import (
    Decoding,
    apply_temperature,
    choose,
    draw,
    generate,
    grow,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    steps_of,
)
from engine.tokenize.bpe import END
from tests.engine import reference
from tests.engine.tiny import BERT, VIT, assert_close, decoder, images, prompt


def logits(seed: int, size: int = 97) -> torch.Tensor:
    return 4 * torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


STEPS = [
    *((apply_temperature, "TemperatureLogitsWarper", x) for x in (0.1, 0.7, 1.0, 3.0)),
    *((keep_top_k, "TopKLogitsWarper", x) for x in (1, 2, 50, 97, 1000)),
    *((keep_top_p, "TopPLogitsWarper", x) for x in (1e-6, 0.1, 0.5, 0.9, 0.999, 1.0)),
    *((keep_min_p, "MinPLogitsWarper", x) for x in (1e-6, 0.01, 0.1, 0.5, 1.0)),
]


@pytest.mark.parametrize(("step", "theirs", "value"), STEPS)
def test_each_step_equals_the_reference(step, theirs, value):
    warper = getattr(transformers, theirs)(value)
    for seed in range(20):
        assert_close(step(logits(seed), value), warper(None, logits(seed)[None])[0])


def tied(seed: int, size: int = 40) -> torch.Tensor:
    """Few different scores, most of them several times."""
    return torch.randint(5, (size,), generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize(("step", "theirs", "value"), STEPS)
def test_equal_scores_are_kept_as_the_reference_keeps_them(step, theirs, value):
    warper = getattr(transformers, theirs)(value)
    for seed in range(20):
        for size in (7, 40, 300):
            x = tied(seed, size)
            assert torch.equal(step(x, value), warper(None, x[None])[0])


@pytest.mark.parametrize("p", [0.2, 0.25, 0.5, 0.75, 0.9])
def test_of_equal_scores_at_the_border_the_reference_s_are_kept(p):
    for x in (torch.zeros(4), torch.tensor([1.0, 0, 1, 0, 1]).log(), torch.zeros(1000)):
        assert torch.equal(keep_top_p(x, p), transformers.TopPLogitsWarper(p)(None, x[None])[0])


@pytest.mark.parametrize("temperature", [0.01, 100.0])
@pytest.mark.parametrize(
    "cuts", [{}, dict(top_k=5), dict(top_p=0.8), dict(min_p=0.2), dict(top_p=1.0, min_p=0)]
)
def test_all_steps_together_are_the_references(temperature, cuts):
    names = dict(top_k="TopKLogitsWarper", top_p="TopPLogitsWarper", min_p="MinPLogitsWarper")
    for seed in range(10):
        for x in (logits(seed), tied(seed)):
            expected = transformers.TemperatureLogitsWarper(temperature)(None, x[None])
            for name, value in cuts.items():
                if (name, value) != ("top_p", 1.0):  # as its `generate` has it
                    expected = getattr(transformers, names[name])(value)(None, expected)
            ours = steps_of(x, Decoding("sample", temperature=temperature, **cuts))["probabilities"]
            assert_close(ours, expected.softmax(-1)[0])


@pytest.mark.parametrize("method", ["greedy", "sample"])
def test_temperature_0_takes_the_first_of_the_best(model, method):
    for seed in range(5):
        x = tied(seed)
        chances = steps_of(x, Decoding(method, temperature=0))["probabilities"]
        assert chances.tolist() == [float(i == int(x.argmax())) for i in range(len(x))]
    coldest = Decoding(method, temperature=0, max_tokens=6)
    assert new_ids(model, prompt(5), coldest) == new_ids(model, prompt(5), Decoding(max_tokens=6))


def test_top_p_1_cuts_nothing_however_small():
    x = torch.tensor([0.0, -800.0, -1e4])
    assert torch.equal(steps_of(x, Decoding("sample", top_p=1.0))["top_p"], x.double())


@pytest.mark.parametrize(("step", "value"), [(keep_top_k, 1), (keep_top_p, 0.0), (keep_min_p, 1.0)])
def test_the_best_token_is_never_cut(step, value):
    for seed in range(20):
        x = logits(seed)
        assert step(x, value).argmax() == x.argmax()
        assert step(x, value).max() == x.max()


def test_no_cut_at_all_is_possible():
    x = logits(0)
    for step, value in ((keep_top_k, 97), (keep_top_p, 1.0), (keep_min_p, 0.0)):
        assert torch.equal(step(x, value), x)


def test_steps_come_in_their_order_and_only_where_asked_for():
    everything = Decoding("sample", temperature=0.5, top_k=20, top_p=0.9, min_p=0.05)
    steps = steps_of(logits(0), everything)
    assert list(steps) == ["logits", "tempered", "top_k", "top_p", "min_p", "probabilities"]
    kept = [int(steps[name].isfinite().sum()) for name in ("tempered", "top_k", "top_p", "min_p")]
    assert kept == sorted(kept, reverse=True)
    assert list(steps_of(logits(0), Decoding())) == ["logits", "tempered", "probabilities"]


def test_probabilities_sum_to_one_and_are_zero_where_cut():
    steps = steps_of(logits(0).float(), Decoding("sample", top_k=5))
    assert_close(steps["probabilities"].sum(), torch.tensor(1.0, dtype=torch.float64))
    assert int((steps["probabilities"] > 0).sum()) == 5


weights = st.lists(st.floats(0, 1) | st.just(0.0), min_size=1, max_size=30).filter(lambda w: sum(w) > 1e-6)
places = st.floats(0, 1, exclude_max=True) | st.just(math.nextafter(1, 0))


@given(weights=weights, u=places)
def test_the_drawn_tokens_stretch_holds_the_number(weights, u):
    p = torch.tensor(weights, dtype=torch.float64)
    p /= p.sum()
    id, ends = draw(p, u), p.cumsum(-1)
    assert p[id] > 0
    assert ends[id] - p[id] - 1e-12 <= u * ends[-1] <= ends[id] + 1e-12


def test_draws_fall_as_often_as_their_probability_says():
    p = torch.tensor([0.1, 0.0, 0.6, 0.3], dtype=torch.float64)
    counts = Counter(draw(p, (i + 0.5) / 1000) for i in range(1000))
    assert counts == {0: 100, 2: 600, 3: 300}


def test_greedy_takes_the_most_probable():
    p = steps_of(logits(0), Decoding())["probabilities"]
    assert choose(p, Decoding(), torch.Generator()) == int(logits(0).argmax())


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(method="beam"), "method is 'beam'; choose one of greedy, sample"),
        (dict(method=None), "method is None"),
        *(
            (dict(temperature=x), f"temperature is {x!r}; it goes from 0.01 to 100, or is 0: always the most")
            for x in (-1, 1e-9, 1e9, math.inf, math.nan, None, "0.5", False, True)
        ),
        *((dict(top_k=x), f"top_k is {x!r}; it is a whole number from 1 upwards") for x in (0, -3, 2.5, 1e400)),
        *((dict(top_p=x), f"top_p is {x!r}; it goes from 0.0 to 1.0") for x in (-0.1, 1.1, math.nan, "0.5")),
        *((dict(min_p=x), f"min_p is {x!r}; it goes from 0.0 to 1.0") for x in (-0.1, 2, math.nan, True)),
        *((dict(seed=x), f"seed is {x!r}; it is a whole number from 0") for x in (-1, 2**63, 0.5, None)),
        *(
            (dict(max_tokens=x), f"max_tokens is {x!r}; it is a whole number from 1")
            for x in (0, 1.5, "9", True)
        ),
    ],
)
def test_a_value_that_cannot_be_says_what_is_allowed(entries, message):
    with pytest.raises(ValueError) as error:
        Decoding(**entries)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "entries",
    [
        dict(temperature=1),
        dict(temperature=0),
        dict(temperature=np.float32(2)),
        dict(top_p=0),
        dict(top_k=np.int64(3)),
        dict(seed=2**63 - 1),
        dict(top_k=None),
    ],
)
def test_values_at_the_edges_are_allowed(entries):
    Decoding("sample", **entries)


# --- the loop ------------------------------------------------------------------------------------

SAMPLED = Decoding("sample", temperature=1.5, top_k=40, top_p=0.95, min_p=0.001, seed=3, max_tokens=12)


def new_ids(model, ids, decoding, **options) -> list[int]:
    return [step.id for step in generate(model, ids, decoding, **options)]


@pytest.mark.parametrize("length", [1, 7])
def test_greedy_text_equals_the_references(checkpoint, length):
    saved = checkpoint()
    model, ids = engine.load(saved.folder, device="cpu").double(), prompt(length, seed=5)
    theirs = saved.reference.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, length),
        do_sample=False,
        max_new_tokens=15,
        pad_token_id=0,
    )
    assert ids + new_ids(model, ids, Decoding(max_tokens=15)) == theirs[0].tolist()


@pytest.mark.parametrize("decoding", [Decoding(max_tokens=12), SAMPLED])
def test_the_cache_changes_no_token(model, decoding):
    for seed in range(3):
        ids = prompt(5, seed)
        assert new_ids(model, ids, decoding) == new_ids(model, ids, decoding, cached=False)


def test_the_same_seed_gives_the_same_text_and_another_seed_another(model):
    texts = [new_ids(model, prompt(5), Decoding("sample", temperature=3, seed=seed)) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


def test_a_seed_is_no_matter_for_greedy(model):
    assert new_ids(model, prompt(5), Decoding(seed=1)) == new_ids(model, prompt(5), Decoding(seed=2))


def test_drawing_leaves_everybody_elses_random_numbers_alone(model):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    new_ids(model, prompt(5), SAMPLED)
    assert torch.equal(torch.rand(3), expected)


def test_each_step_has_its_probability(model):
    for step in generate(model, prompt(5), Decoding(top_k=1)):
        assert step.probability == 1
    ids = prompt(5)
    for step in generate(model, ids, SAMPLED):
        chances = steps_of(model(torch.tensor([ids]))[0, -1], SAMPLED)["probabilities"]
        assert step.probability == pytest.approx(float(chances[step.id]))
        ids = [*ids, step.id]


def test_as_many_tokens_come_as_were_asked_for(model):
    assert len(new_ids(model, prompt(5), Decoding(max_tokens=4))) == 4


@pytest.mark.parametrize("length", [1, 20, 22, 23])
@pytest.mark.parametrize("cached", [True, False])
def test_a_text_ends_at_the_context_limit(model, length, cached):
    assert len(new_ids(model, prompt(length), Decoding(), cached=cached)) == 23 - length


def test_a_text_ends_at_the_token_that_ends_texts(rank_tokenizer):
    model = decoder(vocabulary=len(rank_tokenizer))
    model.tokenizer = rank_tokenizer
    model.final_norm.weight.zero_()
    model.final_norm.bias.copy_(model.embed.token.weight[rank_tokenizer.special[END]] * 100)
    assert list(generate(model, "The cat")) == []


@pytest.mark.parametrize("seed", range(8))
def test_the_texts_of_all_steps_are_the_whole_text(rank_tokenizer, seed):
    model = decoder(vocabulary=len(rank_tokenizer))
    model.tokenizer = rank_tokenizer
    decoding = Decoding("sample", temperature=3, seed=seed, max_tokens=12)
    steps = list(generate(model, "The cat", decoding))
    assert [step.id for step in steps] == new_ids(model, "The cat", decoding)
    assert "".join(step.text for step in steps) == rank_tokenizer.decode([step.id for step in steps])
    assert steps == list(generate(model, rank_tokenizer.encode("The cat"), decoding))


def writes(tokenizer, ids, vocabulary=None):
    """A model that writes exactly these ids, whatever it reads, and then id 0."""
    model = decoder(vocabulary=vocabulary or len(tokenizer), context=60, positions="learned")
    model.tokenizer = tokenizer
    model.forward = lambda ids_read, context=None, *more: one_hot(model, ids, context, ids_read)
    return model


def one_hot(model, ids, context, read):
    """Scores that are best for the id whose turn it is."""
    start = context.cache.length if context and context.cache else 0
    if context and context.cache:
        context.cache.length += read.shape[1]
    turn = start + read.shape[1] - 2  # two tokens are read before the first is written
    best = [ids[t] if 0 <= t < len(ids) else 0 for t in range(turn - read.shape[1] + 1, turn + 1)]
    return torch.nn.functional.one_hot(torch.tensor([best]), model.config.vocabulary).double()


@pytest.mark.parametrize("text", ["🤗é 東", "the 👩‍👩‍👧‍👦!", "נמ"])
def test_a_character_of_several_tokens_is_told_when_it_is_whole(rank_tokenizer, text):
    ids = rank_tokenizer.encode(text)
    steps = list(generate(writes(rank_tokenizer, ids), [0, 1], Decoding(max_tokens=len(ids))))
    assert [step.id for step in steps] == ids
    assert "".join(step.text for step in steps) == text
    assert not any("\ufffd" in step.text for step in steps)


def test_what_is_left_of_a_character_at_the_end_is_not_lost(rank_tokenizer):
    ids = rank_tokenizer.encode("🤗")[:2]
    for more in ([], [rank_tokenizer.special[END]]):
        steps = list(
            generate(writes(rank_tokenizer, [*ids, *more]), [0, 1], Decoding(max_tokens=2 + len(more)))
        )
        assert [step.text for step in steps] == ["", "\ufffd"]


def test_a_row_without_an_entry_is_told_by_its_number(rank_tokenizer):
    beyond = len(rank_tokenizer) + 3
    model = writes(rank_tokenizer, [5, beyond, 6], vocabulary=beyond + 2)
    steps = list(generate(model, [0, 1], Decoding(max_tokens=3)))
    assert [step.id for step in steps] == [5, beyond, 6]
    assert steps[1].text == f"<id {beyond}>"
    plain = decoder(vocabulary=beyond + 2)
    plain.tokenizer = rank_tokenizer
    assert engine.run(plain, [5, beyond]).tokens() == [rank_tokenizer.bytes_of(5), f"<id {beyond}>".encode()]


# --- ends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "generation"),
    [
        (dict(eos_token_id=[11]), None),
        (dict(eos_token_id=[11, 12, 13]), None),
        (dict(eos_token_id=None), None),
        (dict(eos_token_id=[5]), dict(eos_token_id=[11, 12])),
        (dict(eos_token_id=[11]), dict(eos_token_id=None)),
        (dict(eos_token_id=[11]), {}),
    ],
)
def test_a_text_ends_where_the_references_does(tmp_path, config, generation):
    reference.save(tmp_path, pad_token_id=0)
    told, own = tmp_path / "config.json", tmp_path / "generation_config.json"
    own.unlink(missing_ok=True)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float64).eval()
    written = theirs.generate(torch.tensor([[1, 2, 3]]), do_sample=False, max_new_tokens=15, pad_token_id=0)[0]
    end = {11: int(written[6]), 12: int(written[9]), 13: int(written[14]), 5: int(written[4])}

    def ends(entries):
        given = entries.get("eos_token_id")
        return entries if given is None else entries | {"eos_token_id": [end[id] for id in given]}

    told.write_text(json.dumps(json.loads(told.read_text()) | ends(config)))
    if generation is not None:
        own.write_text(json.dumps(ends(generation)))
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float64).eval()
    expected = theirs.generate(torch.tensor([[1, 2, 3]]), do_sample=False, max_new_tokens=15, pad_token_id=0)[
        0, 3:
    ].tolist()
    model = engine.load(tmp_path, device="cpu").double()
    ours = new_ids(model, [1, 2, 3], Decoding(max_tokens=15))
    assert ours == (expected[:-1] if expected[-1] in (model.ends or ()) else expected)


@pytest.mark.parametrize("end", ["2", 2.5, [2, None], True, {}])
def test_an_end_that_is_no_token_is_named(tmp_path, end):
    reference.save(tmp_path)
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": end}))
    with pytest.raises(
        ValueError, match=r"generation_config.json: eos_token_id is .* a token id, a list of them"
    ):
        engine.load(tmp_path)


def test_a_special_token_that_is_no_end_is_written(rank_tokenizer):
    model = writes(rank_tokenizer, [7, rank_tokenizer.special[END], 9])
    assert new_ids(model, [0, 1], Decoding(max_tokens=3)) == [7]
    model.ends = (9,)
    assert new_ids(model, [0, 1], Decoding(max_tokens=3)) == [7, rank_tokenizer.special[END]]
    model.ends = ()
    assert len(new_ids(model, [0, 1], Decoding(max_tokens=6))) == 6


def test_scores_that_are_none_are_told_so(model):
    with torch.no_grad():
        broken = decoder(torch.float32)
        broken.final_norm.weight[0] = torch.inf
    with pytest.raises(ValueError, match="gives scores that are no finite numbers: no token can be chosen"):
        list(generate(broken, [1, 2]))


@pytest.mark.parametrize("decoding", [None, "greedy", {"method": "greedy"}])
def test_a_decoding_is_a_decoding(model, decoding):
    with pytest.raises(ValueError, match="decoding is an engine"):
        generate(model, [1, 2], decoding)


@pytest.mark.parametrize(
    ("given_prompt", "message"),
    [
        ([], "the prompt is empty"),
        (prompt(24), "24 tokens; model can read 23"),
        ([0, 97], "from 0 to 96; got 0 to 97"),
        ([-1], "from 0 to 96"),
        ("text", "give token ids, not text"),
    ],
)
def test_a_prompt_that_cannot_be_read_says_why_before_the_first_token(model, given_prompt, message):
    with pytest.raises(ValueError, match=message):
        generate(model, given_prompt)


@pytest.mark.parametrize("target", [[3], "text"])
def test_a_target_for_a_model_that_reads_none_is_an_error(model, target):
    message = f"the target .*{target[0]}.* was given; model has no decoder beside an encoder .* leave it out"
    for call in (generate, engine.run):
        with pytest.raises(ValueError, match=message):
            call(model, [1, 2], target=target)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (BERT, r"fills a \[MASK\], it does not write on. Use engine.masked.fill"),
        (BERT | dict(ending="nothing"), "gives vectors: it writes no text. Use engine.run"),
        (VIT, r'tells the class of an image: it writes no text. Use engine.run\(model, image\)\["classes"\]'),
        (VIT | dict(ending="nothing", classes=0), "gives vectors: it writes no text. Use engine.run"),
    ],
)
def test_a_model_that_writes_no_text_says_what_it_does_and_what_to_use(choices, message):
    with pytest.raises(ValueError, match=message):
        generate(decoder(**choices), images(1) if "image" in choices else [1, 2])


def test_the_loop_adds_tokens_to_every_row_and_asks_no_more_than_is_wanted():
    asked = []

    def score(ids):
        asked.append(ids.tolist())
        return torch.nn.functional.one_hot(ids.sum(-1), 30)

    steps = grow(torch.tensor([[1, 2], [0, 4]]), score, lambda scores: scores.argmax(-1), 5)
    assert [new.tolist() for new, _ in itertools.islice(steps, 3)] == [[3, 4], [6, 8], [12, 16]]
    assert asked == [[[1, 2], [0, 4]], [[1, 2, 3], [0, 4, 4]], [[1, 2, 3, 6], [0, 4, 4, 8]]]
