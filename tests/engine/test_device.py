"""Which device computes, what becomes of one that fails, and that one that is there gives the same numbers."""

import pytest
import torch

import engine
from engine import device
from engine.decode import Decoding, generate
from engine.trace import Trace, everything, nothing, run
from engine.trace.inputs import Inputs
from engine.training.rewards import job
from engine.training.rewards.policy import Texts, copy_of, log_probabilities, trained
from engine.training.rewards.supervised import answer_loss
from engine.training.tasks import TASKS, Lesson, saving
from engine.training.tasks.lesson import loss_of
from engine.worked import check
from tests.engine.tiny import CHOICES, PAIRS, RECURRENT, ROTARY, decoder, pair, recurrent

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
BROKEN = RuntimeError("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be …")


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """No failure so far, and nothing asked for; the settings of float32 come back."""
    monkeypatch.setattr(device, "_failed", [])
    monkeypatch.delenv(device.VARIABLE, raising=False)
    yield
    torch.set_float32_matmul_precision("highest")


@pytest.fixture
def gpus(monkeypatch):
    """Two graphics processors that work."""
    two = [torch.device("cuda:0"), torch.device("cuda:1")]
    monkeypatch.setattr(device, "_seen", lambda: two)
    monkeypatch.setattr(device, "_works", lambda one: True)


def test_without_a_graphics_processor_the_processor_computes(monkeypatch):
    monkeypatch.setattr(device, "_seen", list)
    assert device.choose() == device.CPU and device.note() == ""


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:0", "cuda:1"])
def test_what_is_asked_for_is_taken(gpus, monkeypatch, name):
    assert str(device.choose(name)) == name
    monkeypatch.setenv(device.VARIABLE, name)
    assert str(device.choose()) == name


def test_the_first_that_is_seen_is_taken(gpus):
    assert str(device.choose()) == "cuda:0"


@pytest.mark.parametrize("name", ["gpu", "CUDA", "cuda:", "cuda:-1", "cuda:1x", "cpu:1", "xpu", "meta", " cpu"])
def test_anything_else_is_refused_with_what_is_allowed(gpus, monkeypatch, name):
    monkeypatch.setenv(device.VARIABLE, name)
    with pytest.raises(ValueError, match=r"GLASSBOX_DEVICE is .*; it can be cpu, cuda"):
        device.choose()


@pytest.mark.parametrize("name", ["mps", "cuda:2"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(gpus, name):
    with pytest.raises(ValueError, match=f"'{name}'.*Choose one of: cpu, cuda:0, cuda:1"):
        device.choose(name)


def test_float32_is_float32(gpus):
    torch.set_float32_matmul_precision("high")
    device.choose()
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cuda.matmul.allow_tf32 and not torch.backends.cudnn.allow_tf32


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics processor that works")
def test_one_that_is_seen_and_does_not_work_is_left(monkeypatch):
    monkeypatch.setattr(device, "_seen", lambda: [torch.device("cuda:0")])
    with pytest.warns(RuntimeWarning, match="The graphics processor failed"):
        assert device.choose() == device.CPU
    assert "not compiled" in device.note() or "CUDA" in device.note()


@pytest.mark.parametrize(
    "error, is_one",
    [
        (FULL, True),
        (BROKEN, True),
        (torch.AcceleratorError("device-side assert triggered"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.06 GB)"), True),
        (RuntimeError("cuBLAS error: CUBLAS_STATUS_EXECUTION_FAILED"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"), False),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), False),
        (ValueError("CUDA is a word of the prompt"), False),
    ],
)
@pytest.mark.filterwarnings("ignore:The graphics processor")
def test_failures_of_a_device_are_told_from_other_errors(gpus, error, is_one):
    assert device.failed(error) == is_one
    assert bool(device.note()) == is_one
    assert device.choose() == (device.CPU if is_one else torch.device("cuda:0"))


@pytest.mark.parametrize("error, kind", [(FULL, "is full"), (BROKEN, "failed")])
def test_a_model_that_cannot_be_put_on_its_device_is_on_the_processor(gpus, monkeypatch, error, kind):
    to = torch.nn.Module.to

    def refuse(model, where):
        if where == device.CPU:
            return to(model, where)
        next(model.parameters()).data.zero_()  # half of it has gone already
        raise error

    monkeypatch.setattr(torch.nn.Module, "to", refuse)
    with pytest.warns(RuntimeWarning, match=kind):
        model = engine.load("digits")
    assert kind in device.note() and len(device.note().splitlines()) == 1
    assert model.device == device.CPU
    monkeypatch.undo()
    pairs = zip(model.parameters(), engine.load("digits", "cpu").parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


MODELS = {
    **{name: lambda c=choices: decoder(torch.float32, **c) for name, choices in CHOICES.items()},
    **{f"two stacks, {name}": lambda c=choices: pair(torch.float32, **c) for name, choices in PAIRS.items()},
    **{name: lambda c=cell: recurrent(*c, torch.float32) for name, cell in RECURRENT.items()},
}


@pytest.mark.parametrize("name", MODELS)
def test_a_pass_makes_nothing_on_another_device(name):
    """The device "meta" has no numbers, and torch mixes none of its tensors with others."""
    model = MODELS[name]().to("meta")
    c = model.reads[0]
    shape = (2, c.channels, c.image, c.image) if c.image else (2, 7)
    ids = torch.zeros(shape, dtype=torch.float32 if c.image else torch.long, device="meta")
    target = torch.zeros(2, 5, dtype=torch.long, device="meta") if len(model.reads) == 2 else None
    for wanted in (everything, nothing):  # all in one pass, and segment by segment
        trace = Trace(model, Inputs(ids, target=target), ())
        with torch.inference_mode():
            trace._record(wanted, None)
        assert {trace[point].device.type for point in trace.points()} == {"meta"}


@pytest.mark.parametrize("task", TASKS)
def test_a_lesson_makes_nothing_on_another_device(task):
    lesson = Lesson(TASKS[task], device=torch.device("meta"))
    loss = loss_of(lesson.model, lesson.batch())
    loss.backward()
    grads = [p.grad.device.type for p in lesson.model.parameters()]
    assert set(grads) == {"meta"} and loss.device.type == "meta" and lesson.held.ids.device.type == "meta"


def test_a_policy_makes_nothing_on_another_device():
    policy = copy_of(decoder(torch.float32, **ROTARY).to("meta"))
    texts = Texts(torch.zeros(3, 6, dtype=torch.long), 2, torch.ones(3, 4, dtype=torch.bool))
    assert log_probabilities(policy, texts).device.type == "meta"
    answer_loss(policy, texts.ids, texts.ids).backward()
    assert {p.grad.device.type for p in trained(policy)} == {"meta"}


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no graphics processor")


@needs_gpu
@pytest.mark.parametrize("name", engine.shipped())
def test_the_numbers_of_the_graphics_processor_are_those_of_the_processor(name):
    ours, theirs = (engine.load(name, where) for where in ("cpu", "cuda"))
    c = ours.reads[0]
    given = torch.rand(1, c.channels, c.image, c.image) if c.image else "Tom had a cat."
    a, b = (run(model, given, wanted=everything) for model in (ours, theirs))
    for point in a.points():
        assert check(b, point).ok, point
        if a[point].is_floating_point():
            torch.testing.assert_close(b[point].cpu(), a[point], rtol=1e-3, atol=1e-3)


@needs_gpu
def test_the_same_tokens_are_drawn():
    decoding = Decoding("sample", seed=3)
    models = (engine.load(device=where) for where in ("cpu", "cuda"))
    ours, theirs = ([step.id for step in generate(model, "Once upon a time", decoding)] for model in models)
    assert ours == theirs


@needs_gpu
def test_a_lesson_learns_the_same_on_both(tmp_path):
    ours, theirs = (Lesson(TASKS["copy"], device=torch.device(where)) for where in ("cpu", "cuda"))
    for _ in range(5):
        assert ours.step() == pytest.approx(theirs.step(), rel=1e-3)
    assert ours.score().loss == pytest.approx(theirs.score().loss, rel=1e-3)
    saving.write(theirs, tmp_path / "a.safetensors")
    again = saving.read(tmp_path / "a.safetensors")  # on the processor, and it goes on from there
    assert again.step() == pytest.approx(theirs.step(), rel=1e-3)


@needs_gpu
@pytest.mark.parametrize("method", ["align", "supervised"])
def test_rewards_are_learned_on_both(monkeypatch, method):
    losses = []
    for where in ("cpu", "cuda"):
        monkeypatch.setenv(device.VARIABLE, where)
        settings = (
            dict(passes=1)
            if method == "supervised"
            else dict(rule="short", texts=6, steps=2, length=5, rankings=2)
        )
        told = list(getattr(job, method)(settings, None))
        losses.append([event["loss"] for event in told if "loss" in event])
    assert losses[0] and losses[0] == pytest.approx(losses[1], rel=0.02, abs=1e-3)
