"""Train, a model that learns."""

from tests.app.visit import MAIN, keys, notices, texts, visit


def page(**link):
    at = visit(**link)
    at.switch_page(str(MAIN.parent / "views" / "train" / "page.py")).run()
    assert not at.exception
    return at


def test_before_the_first_start_the_task_its_examples_and_the_untrained_model_are_shown():
    at = page(train="learn")
    told = " ".join(texts(at))
    assert "write the word backwards" in told and "untrained" in told
    assert {"plot-loss", "plot-accuracy", "learn-attention", "learn-answers", "plot-map"} <= set(keys(at))
    assert notices(at) == []
