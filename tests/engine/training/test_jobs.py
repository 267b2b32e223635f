"""Jobs in their process: what they tell comes whole and in order, and they do as they are asked."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.training.jobs import KINDS, job, read, write

RUN = "import sys; from pathlib import Path; from engine.training.jobs import KINDS, __main__ as own;"
RUN += " KINDS['counting'] = 'tests.engine.training.played:counting'; own.main('counting', Path(sys.argv[1]))"


def begin(folder, **settings) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    ask(process, **settings)
    return process


def ask(process, **what) -> None:
    process.stdin.write(json.dumps(what).encode() + b"\n")
    process.stdin.flush()


def events(process) -> list[dict]:
    return list(iter(lambda: read(process.stdout), None))


def test_events_come_in_order_and_then_the_end(tmp_path):
    *told, end = events(begin(tmp_path, steps=4))
    assert [event["step"] for event in told] == [0, 1, 2, 3] and end == {"end": "done", "why": ""}
    assert all((event["array"] == event["step"]).all() for event in told)
    assert (tmp_path / "end").read_text() == "here"


def test_a_job_does_what_it_is_asked(tmp_path):
    process = begin(tmp_path, steps=100, seconds=0.01)
    read(process.stdout)
    ask(process, do="pause")
    ask(process, steps=50, rate=3)
    ask(process, do="step")
    ask(process, do="go on")
    *_, last, end = events(process)
    assert last["settings"]["rate"] == 3 and end["end"] == "done"


def test_a_job_ends_when_nobody_is_there(tmp_path):
    (folder := tmp_path / "its own").mkdir()
    process = begin(folder, steps=100_000, seconds=0.01)
    read(process.stdout)
    process.stdin.close()
    assert process.wait(20) == 0 and not folder.exists()


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"raises": 1}, "the number is too large"), ({"takes": 1}, "there is not enough memory")],
)
def test_what_is_wrong_is_told(tmp_path, settings, why):
    *told, end = events(begin(tmp_path, **settings))
    assert end == {"end": "failed", "why": why} and len(told) == 1


def test_a_process_that_dies_tells_no_end(tmp_path):
    process = begin(tmp_path, steps=50, seconds=0.05, dies=40)
    told = events(process)
    assert process.wait(20) == 7 and told and "end" not in told[-1]


@given(
    st.dictionaries(
        st.sampled_from("abcd"),
        st.one_of(
            st.integers(-9, 9),
            st.text(max_size=5),
            st.none(),
            st.lists(st.floats(), max_size=3).map(np.array),
            st.just(np.zeros((2, 0, 3), np.int64)),
        ),
    )
)
def test_messages_are_read_as_they_were_written(event):
    stream = io.BytesIO()
    write(event, stream)
    write({"next": True}, stream)
    stream.seek(0)
    found = read(stream)
    assert found.keys() == event.keys() and read(stream) == {"next": True} and read(stream) is None
    for name, value in event.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_message_that_breaks_off_is_none():
    stream = io.BytesIO()
    write({"a": np.ones(9)}, stream)
    assert read(io.BytesIO(stream.getvalue()[:-1])) is None and read(io.BytesIO(b"\x01")) is None


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_function(kind):
    assert callable(job(kind))
