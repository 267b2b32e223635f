"""Fine-tuning: only copies learn, what is trained is what is said, the same settings give the same numbers."""

import copy
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.config import Config
from engine.model.transformer import Transformer
from engine.training.tuning import data, head, prompted, runs
from engine.training.tuning.data import Example, Labelled, baselines, entailment, interval, own_reviews, reviews
from engine.training.tuning.head import Batch, Classifier, batch_of, copy_of
from engine.training.tuning.runs import Recipe, tuned

SIZES = dict(vocabulary=258, context=64, width=16, layers=2, heads=2, mlp_width=24)


class Bytes:
    """A tokenizer for a tiny model: a byte a token."""

    prefix, special = (), {}

    def encode(self, text):
        return list(text.encode())

    encode_file = encode

    def bytes_of(self, id):
        return bytes([id])

    def decode(self, ids):
        return bytes(ids).decode()


def tiny(**choices) -> Transformer:
    torch.manual_seed(0)
    model = Transformer(Config(**SIZES | choices)).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.3)
    model.tokenizer, model.name = Bytes(), "tiny"
    return model


def few(count: int = 8) -> Labelled:
    """A set whose label one can see."""
    texts = [("good" if i % 2 else "bad") + " " + "la" * (i // 2) for i in range(2 * count)]
    all_of = tuple(Example((text,), i % 2, i // 2) for i, text in enumerate(texts))
    return Labelled(all_of[:count], all_of[count:], data.SENTIMENTS)


@pytest.fixture
def model():
    return tiny()


# --- the sets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("of", "count"), [(reviews, 200), (entailment, 144)])
def test_a_set_is_balanced_and_its_groups_stay_together(of, count):
    one = of()
    everything = one.train + one.held
    assert len(everything) == count == len({each.texts for each in everything})
    for part in (one.train, one.held):
        assert len(set(Counter(each.label for each in part).values())) == 1
    assert not {each.group for each in one.train} & {each.group for each in one.held}


def test_neither_length_nor_one_word_gives_a_review_away():
    one = reviews()
    everything = one.train + one.held
    labels = np.array([each.label for each in everything])
    lengths = np.array([len(each.words) for each in everything])
    assert len(set(lengths)) > 12 and abs(np.corrcoef(lengths, labels)[0, 1]) < 0.1
    words = {word for each in everything for word in each.words}
    has = {word: np.array([word in each.words for each in everything]) for word in words}
    best = max(max((x == labels).mean(), (x != labels).mean()) for x in has.values())
    assert best < 0.6


def test_a_hypothesis_alone_says_nothing():
    one = entailment()
    for part in (one.train, one.held):
        assert set(Counter((each.text, each.label) for each in part).values()) == {1}
    assert baselines(one, list(one.train))["hypothesis"].mean() == pytest.approx(1 / 3)


def test_draws_are_balanced_and_begin_alike():
    one = reviews()
    for count in (2, 7, 40, 120):
        counts = Counter(each.label for each in one.drawn(count, 3)).values()
        assert max(counts) - min(counts) <= 1
    assert one.drawn(16, 3)[:8] == one.drawn(8, 3) and one.drawn(8, 3) != one.drawn(8, 4)
    for wrong in (0, 1, 121):
        with pytest.raises(ValueError, match="can be drawn"):
            one.drawn(wrong, 0)


def test_own_reviews_that_are_empty_are_told():
    assert own_reviews("  Good. \n\n Bad ") == ["Good.", "Bad"]
    for empty in ("", " \n "):
        with pytest.raises(ValueError, match="write one"):
            own_reviews(empty)


def test_bag_of_words_is_naive_bayes_by_hand():
    learned = [Example(("good book",), 1, 0), Example(("bad book",), 0, 1)]
    of = Labelled(
        tuple(learned), (Example(("good good tree",), 1, 2), Example(("bad",), 0, 3)), data.SENTIMENTS
    )
    assert data.bag_of_words(of, learned).tolist() == [1, 0]


def test_an_interval_covers_and_narrows():
    draw = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        low, high = interval(draw.random((1, 60)) < 0.7)
        hits += low <= 0.7 <= high
    assert hits >= 88
    pairs = np.repeat(draw.random(30) < 0.5, 2)
    alone, together = interval(pairs), interval(pairs, np.repeat(np.arange(30), 2))
    assert together[1] - together[0] > alone[1] - alone[0]
    assert interval(np.ones((2, 20)))[0] > 0.8  # no certainty, though all were right


# --- nothing shared changes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("way", runs.WAYS)
def test_the_shared_model_stays_as_it_is(model, way):
    before = copy.deepcopy(model.state_dict())
    flags = [p.requires_grad for p in model.parameters()]
    one = tuned(model, few(), few().train, Recipe(way, steps=3))
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())
    assert flags == [p.requires_grad for p in model.parameters()]
    own = one.classifier.model
    assert not {p.data_ptr() for p in own.parameters()} & {p.data_ptr() for p in model.parameters()}


def test_joined_weights_of_a_loaded_model_do_not_reach_its_copy(model):
    with torch.no_grad():
        for block in model.blocks:
            block.attn.join()
    own = copy_of(model)
    with torch.no_grad():
        own.blocks[0].attn.q.weight.add_(1.0)
    ids = torch.tensor([[1, 2, 3]])
    assert not torch.allclose(own(ids), model(ids))


def test_only_what_is_named_is_trained(model):
    for way in runs.WAYS:
        classifier = runs.prepare(model, 2, Recipe(way))
        before = {name: p.detach().clone() for name, p in classifier.named_parameters()}
        optimizer = runs.optimizer_of(classifier, Recipe(way))
        for _ in range(2):
            runs.step(classifier, optimizer, batch_of(classifier.model, few().train), 1.0)
        moved = {name for name, p in classifier.named_parameters() if not torch.equal(p, before[name])}
        parts = {"head": ("head.",), "lora": ("head.", ".A", ".B")}.get(way, ("",))
        assert moved and all(any(part in name for part in parts) for name in moved), (way, moved)
        trained, whole = runs.count_trained(classifier)
        assert trained == sum(before[n].numel() for n, p in classifier.named_parameters() if p.requires_grad)
        assert whole == sum(x.numel() for x in before.values())


# --- steps ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["all", "lora"])
def test_steps_equal_torchs_own(model, way):
    """The same loop, written anew on torch's modules alone, from the same start."""
    of, recipe = few(), Recipe(way, steps=4, rate=0.01, batch=8)
    mine = tuned(model, of, of.train, recipe)
    other = runs.prepare(model, 2, recipe)
    groups = [
        {"params": list(other.head.parameters()), "lr": 0.01},
        {"params": [p for p in other.model.parameters() if p.requires_grad], "lr": 0.01},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    losses = []
    for i in range(4):
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * (1 - i / 4)
        total = 0
        for one in of.train:  # text by text, without padding
            ids = torch.tensor([list(head.FORM.format(x=one.text).encode())])
            x = other.model.final_norm(other.model.stream(ids))[:, -1]
            total = total + F.cross_entropy(other.head(x), torch.tensor([one.label])) / len(of.train)
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_([p for p in other.parameters() if p.requires_grad], 1.0)
        optimizer.step()
        losses.append(total.item())
    np.testing.assert_allclose(mine.losses, losses, rtol=2e-4, atol=1e-5)
    for (name, a), b in zip(mine.classifier.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=2e-2, atol=2e-3, msg=name)


def test_the_same_recipe_gives_the_same_and_another_seed_others(model):
    of = few()
    a, b = (tuned(model, of, of.train[:6], Recipe("all", steps=4, batch=3)) for _ in range(2))
    assert a.losses == b.losses and np.array_equal(a.probabilities, b.probabilities)
    assert tuned(model, of, of.train[:6], Recipe("all", steps=4, batch=3, seed=1)).losses != a.losses


def test_it_learns_what_can_be_seen(model):
    of = few(20)
    one = tuned(model, of, of.train, Recipe("all", steps=120, rate=0.01))
    assert one.right.mean() > 0.9 and one.losses[-1] < one.losses[0] / 3
    assert one.memory == 4 * one.of + 12 * one.numbers + one.kept and one.kept > 0


def test_what_is_kept_for_the_backward_pass_grows_with_the_batch():
    x, w = torch.randn(5, 7), torch.nn.Parameter(torch.randn(7, 3))
    with runs.Kept() as kept:
        (x @ w).exp().sum().backward()
    assert kept.bytes == 4 * (5 * 7 + 5 * 3)  # x, and exp's result; w is a weight


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (dict(rate=1e9), "learning rate is 1e\\+09"),
        (dict(rate=0.0), "above 0"),
        (dict(rate=float("nan")), "learning rate is nan"),
        (dict(steps=0), "from 1 to"),
        (dict(batch=0), "from 1 to"),
        (dict(way="magic"), "known are"),
    ],
)
def test_a_recipe_that_cannot_be_is_told(wrong, says):
    with pytest.raises(ValueError, match=says):
        Recipe(**wrong)


def test_a_loss_that_is_no_number_is_told(model):
    with torch.no_grad():
        model.embed.token.weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="lower learning rate"):
        tuned(model, few(), few().train, Recipe("all", steps=1))


def test_a_text_that_is_too_long_is_told(model):
    long = Example(("la" * 60,), 0, 0)
    with pytest.raises(ValueError, match=r"shorten|Shorten"):
        batch_of(model, [long])


def test_padding_changes_no_score(model):
    classifier = Classifier(copy_of(model), 2)
    torch.nn.init.normal_(classifier.head.weight)
    together = classifier(batch_of(model, few().train))
    alone = torch.cat([classifier(batch_of(model, [one])) for one in few().train])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_an_encoder_reads_its_first_vector():
    model = tiny(causal=False, segments=2, post_norm=True)
    ids = torch.randint(258, (2, 9))
    batch = Batch(ids, torch.ones_like(ids, dtype=torch.bool), torch.zeros_like(ids), torch.tensor([0, 1]))
    torch.testing.assert_close(Classifier(model, 3).features(batch), model.stream(ids)[:, 0])


# --- in the prompt ------------------------------------------------------------------------------------------


def test_a_prompt_gives_the_probabilities_of_whole_answers():
    model = tiny(context=256)
    of = Labelled(few().train, few().held[:3], data.SENTIMENTS)
    learned = list(of.train[:2])
    margins, *_ = prompted._margins(model, prompted.prompt_of(learned), of.held)
    for one, margin in zip(of.held, margins, strict=True):
        log = []
        for answer in prompted.ANSWERS:
            text = f"{prompted.prompt_of(learned)}{head.FORM.format(x=one.text)}"
            ids = list(f"{text} {answer}".encode())
            scores = model(torch.tensor([ids]))[0].double().log_softmax(-1)
            log.append(sum(scores[i - 1, ids[i]].item() for i in range(len(text), len(ids))))
        assert margin == pytest.approx(log[1] - log[0], abs=1e-4)


def test_examples_that_do_not_fit_are_told():
    model = tiny(context=100)
    of = few(30)
    room = prompted.room_for(model, of, list(of.train))
    assert 0 <= room < 10
    with pytest.raises(ValueError, match="do not fit"):
        prompted.prompted(model, of, list(of.train[: room + 1]))


def test_what_was_forgotten_is_measured_in_bits_a_byte(model):
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    assert runs.forgotten(model) == pytest.approx(np.log2(258), rel=0.02)  # it knows nothing
