"""Beam search: the reference's, greedy at width 1, exhaustive at full width; and its tree."""

import itertools
import json
import math

import pytest
import torch
import transformers

import engine
from engine.decode import Decoding, beam_search, generate, next_logits, path, search
from engine.trace.inputs import Inputs
from tests.engine import reference
from tests.engine.decode.test_cached import WRITERS, reads
from tests.engine.tiny import BERT, decoder, pair, prompt

ENDS = [[], [3], [3, 5]]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Of a layout, with texts that end at these tokens: our model and the reference's."""

    def make(layout: str, ends: list[int], **choices):
        folder = tmp_path_factory.mktemp("beam")
        reference.save(folder, layout, **choices)
        told = json.loads((folder / "config.json").read_text())
        told["eos_token_id"] = ends[0] if layout == "t5" else ends or None  # a T5 names one
        (folder / "config.json").write_text(json.dumps(told))
        own = dict(eos_token_id=ends or None, decoder_start_token_id=0)
        (folder / "generation_config.json").write_text(json.dumps(own))
        kind = transformers.T5ForConditionalGeneration if layout == "t5" else transformers.AutoModelForCausalLM
        theirs = kind.from_pretrained(folder, dtype=torch.float64).eval()
        return engine.load(folder, device="cpu").double(), theirs

    return make


def found_by(theirs, ids: list[int], ends: list[int], **options) -> list[tuple[list[int], float]]:
    """The reference's results as ours are told: without the end, without places that it could not fill."""
    told = theirs.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids)),
        **dict(do_sample=False, early_stopping=False, pad_token_id=0),
        **dict(return_dict_in_generate=True, output_scores=True),
        **options,
    )
    given = 1 if theirs.config.is_encoder_decoder else len(ids)
    rows = (
        list(itertools.takewhile(lambda id: id not in ends, row[given:].tolist())) for row in told.sequences
    )
    scores = told.sequences_scores.tolist()
    return [(row, score) for row, score in zip(rows, scores, strict=True) if score > -1e6]


@pytest.mark.parametrize(
    ("layout", "choices", "ends"),
    [
        *(("gpt2", dict(vocab_size=97), ends) for ends in ENDS),
        *(("gpt2", dict(vocab_size=7), ends) for ends in ENDS),
        *(("llama", dict(vocab_size=9), ends) for ends in ENDS),
        *(("t5", dict(vocab_size=8), ends) for ends in ([5], [5, 3])),
    ],
)
def test_it_finds_what_the_reference_finds(both, layout, choices, ends):
    model, theirs = both(layout, ends, **choices)
    ended = 0
    for seed, (width, penalty, length) in enumerate(
        itertools.product((2, 3, 5), (-1.0, 0.0, 0.6, 1.0, 2.0), (4, 11))
    ):
        ids = prompt(5, seed, choices["vocab_size"])
        options = dict(num_beams=width, length_penalty=penalty, num_return_sequences=width)
        expected = found_by(theirs, ids, ends, max_new_tokens=length, **options)
        ours = beam_search(model, ids, width, penalty, best=width, max_new_tokens=length)
        assert [beam.ids for beam in ours] == [row for row, _ in expected]
        assert [beam.score for beam in ours] == pytest.approx([score for _, score in expected], rel=1e-4)
        ended += sum(beam.ended for beam in ours)
    assert ended or not ends or choices["vocab_size"] == 97


@pytest.mark.parametrize("name", WRITERS)
def test_at_width_1_it_is_greedy(name):
    model = WRITERS[name]()
    (beam,) = beam_search(model, reads(model), width=1, max_new_tokens=9)
    assert beam.ids == [step.id for step in generate(model, reads(model), Decoding(max_tokens=9))]


@pytest.mark.parametrize("name", WRITERS)
def test_a_log_probability_is_that_of_the_text(name):
    model = WRITERS[name]()
    given = {} if len(model.reads) == 1 else {"target": [model.start]}
    point = "decoder.logits" if given else "logits"
    for beam in beam_search(model, reads(model), width=3, best=3, max_new_tokens=5, length_penalty=0.7):
        ids = [*beam.ids, *([model.end] if beam.ended else [])]
        if given:
            trace = engine.run(model, reads(model), target=[model.start, *ids])
        else:
            trace = engine.run(model, [*reads(model), *ids])
        rows = trace[point][0, -len(ids) - 1 : -1].log_softmax(-1)
        expected = rows.gather(1, torch.tensor(ids)[:, None]).sum().item()
        assert beam.log_probability == pytest.approx(expected, rel=1e-6)
        assert beam.score == pytest.approx(expected / len(ids) ** 0.7, rel=1e-6)


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("ends", [(), (2,)])
def test_at_full_width_it_is_exhaustive(penalty, ends):
    model, length = decoder(vocabulary=4, context=12), 4
    model.ends = ends
    texts = []
    for n in range(1, length + 1):
        for ids in itertools.product(range(4), repeat=n):
            if not set(ids[:-1]) & set(ends) and (n == length or ids[-1] in ends):
                row = model(torch.tensor([[1, *ids]]))[0].log_softmax(-1)
                total = sum(row[t, id].item() for t, id in enumerate(ids))
                texts.append((total / n**penalty, [id for id in ids if id not in ends]))
    texts.sort(key=lambda text: -text[0])
    wide = beam_search(model, [1], 4**length, penalty, best=4**length, max_new_tokens=length)
    assert len(wide) == len(texts)
    assert [beam.score for beam in wide] == pytest.approx([score for score, _ in texts])
    assert [beam.ids for beam in wide] == [ids for _, ids in texts]


def test_its_tree_holds_all_that_was_looked_at():
    model = decoder(vocabulary=7, seed=2)
    model.ends = (3, 4)
    for width, seed in itertools.product((1, 2, 4), range(4)):
        ids = prompt(4, seed, 7)
        found = search(model, ids, width, best=width, max_new_tokens=8)
        score = next_logits(model, Inputs(torch.tensor([ids])))
        for i, node in enumerate(found.nodes):
            before = path(found.nodes, node.parent)
            assert len(before) == node.step - 1 and path(found.nodes, i) == [*before, node.id]
            cost = -score(torch.tensor([[*ids, *before]]))[0].log_softmax(-1)[node.id].item()
            assert node.cost == pytest.approx(cost)
            above = found.nodes[node.parent] if node.parent is not None else None
            assert node.total == pytest.approx(node.cost + (above.total if above else 0))
            assert above is None or above.fate == "kept"
        for step in range(1, max(node.step for node in found.nodes) + 1):
            fates = [node.fate for node in found.nodes if node.step == step]
            assert fates.count("kept") <= width and fates.count("finished") <= width
        leaves = [found.nodes[beam.leaf] for beam in found.beams]
        assert all(leaf.fate == "finished" for leaf in leaves)
        assert [beam.log_probability for beam in found.beams] == [-leaf.total for leaf in leaves]


def test_its_cost_is_one_step_for_the_prompt_and_one_for_each_kept_text_after_it():
    found = search(decoder(), prompt(5), width=4, max_new_tokens=6)
    assert found.steps == 1 + 4 * 5


def test_a_wider_search_costs_more_and_may_find_a_more_probable_text():
    gains = []
    for seed in range(6):
        greedy, wide = (beam_search(decoder(seed=seed), prompt(4, seed), width=w)[0] for w in (1, 8))
        gains.append(wide.log_probability - greedy.log_probability)
    assert max(gains) > 0


def test_a_full_context_is_the_end():
    (beam,) = beam_search(decoder(), prompt(20), max_new_tokens=9)
    assert len(beam.ids) == 3 and not beam.ended
    (beam,) = beam_search(decoder(), prompt(23))
    assert (beam.ids, beam.log_probability, beam.score) == ([], 0, 0)


def test_a_text_is_told_with_its_ids(rank_tokenizer):
    model = decoder(vocabulary=len(rank_tokenizer))
    model.tokenizer = rank_tokenizer
    for beam in engine.beam_search(model, "The cat", best=4):
        assert beam.text == rank_tokenizer.decode(beam.ids)


def test_beside_an_encoder_it_goes_on_from_a_target():
    model = pair()
    for beam in beam_search(model, prompt(5), target=[3, 7, 8], max_new_tokens=3, best=2):
        assert len(beam.ids) <= 3
    assert len(beam_search(model, prompt(5), target=[3, 7, 8])[0].ids) <= 13 - 3


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        *((dict(width=x), f"width is {x!r}; it is a whole number from 1") for x in (0, -1, 2.5, True, "3")),
        *((dict(best=x), f"best is {x!r}; it is a whole number from 1") for x in (0, None, 1.5)),
        (dict(best=5), "best is 5; a search that keeps 4 texts finds at most 4"),
        *((dict(max_new_tokens=x), f"max_new_tokens is {x!r}; it is a whole") for x in (0, math.inf, False)),
        *(
            (dict(length_penalty=x), f"length_penalty is {x!r}; it goes from −20 to 20")
            for x in (math.nan, math.inf, "1", None, True, 400, -1e308, 20.5)
        ),
    ],
)
def test_a_value_that_cannot_be_says_what_is_allowed(entries, message):
    with pytest.raises(ValueError) as error:
        beam_search(decoder(), [1, 2], **entries)
    assert message in str(error.value)


def test_what_cannot_be_written_on_says_why():
    with pytest.raises(ValueError, match=r"engine\.masked\.fill"):
        beam_search(decoder(**BERT), [1, 2])
    with pytest.raises(ValueError, match="the prompt is empty"):
        beam_search(decoder(), [])
    with pytest.raises(ValueError, match="no token can be chosen"):
        broken = decoder(torch.float32)
        broken.final_norm.weight[0] = torch.inf
        beam_search(broken, [1, 2])
