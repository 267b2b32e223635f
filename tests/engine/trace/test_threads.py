"""What a lean trace computes again is what the run computed, on however many threads somebody looks."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import engine
from engine.trace import everything, run
from engine.worked import check

COUNTS = (1, 2, 4)
READ = {  # post-norm, pre-norm, recurrent: sums of these sizes do come out otherwise on two threads
    "interpreter": ("He was my best friend.", "C'était mon meilleur ami."),
    "storybook": ("The animal didn't cross the street because it was too tired", None),
    "lookback-gru": ("He was my best friend.", "C'était mon meilleur ami."),
}


@pytest.fixture(params=READ)
def read(request):
    """Runs the model, keeping what is wanted, on so many threads."""
    model, (text, target) = engine.load(request.param), READ[request.param]

    def on(count: int, **options):
        torch.set_num_threads(count)
        return run(model, text, target=target, **options)

    yield on
    torch.set_num_threads(1)


@pytest.mark.parametrize("ran", COUNTS)
def test_a_look_on_any_number_of_threads_gives_the_run_s_own_numbers(read, ran):
    whole = read(ran, wanted=everything)
    for looked in COUNTS:
        trace = read(ran)
        torch.set_num_threads(looked)
        assert [point for point in trace.points() if not torch.equal(trace[point], whole[point])] == []
        assert torch.get_num_threads() == looked


@pytest.mark.parametrize(("ran", "looked"), [(1, 2), (2, 1), (4, 2)])
def test_no_light_is_red_on_any_number_of_threads(read, ran, looked):
    trace = read(ran)
    torch.set_num_threads(looked)
    assert [point for point in trace.points() if not check(trace, point).ok] == []


def test_a_look_from_another_thread_gives_the_run_s_own_numbers(read):
    whole = read(2, wanted=everything)
    trace = read(2)
    torch.set_num_threads(1)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(lambda: all(torch.equal(trace[p], whole[p]) for p in trace.points())).result()
