"""Jobs of visitors: one each, as many at once as there are cores, in order; none outlives its visitor."""

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app import jobs, scratch, turns
from app.ui import jobs as bar
from engine.training.jobs import KINDS

RUN = "import sys; from pathlib import Path; from engine.training.jobs import KINDS, __main__ as own;"
RUN += " KINDS['counting'] = 'tests.engine.training.played:counting'; own.main(sys.argv[3], Path(sys.argv[4]))"
LONG = dict(steps=100_000, seconds=0.01)


@pytest.fixture(autouse=True)
def _counting(monkeypatch):
    """A kind of job that the process finds, too, and two places."""
    monkeypatch.setitem(KINDS, "counting", "tests.engine.training.played:counting")
    popen = subprocess.Popen
    monkeypatch.setattr(
        jobs.subprocess,
        "Popen",
        lambda words, **rest: popen([words[0], "-c", RUN, "", "", *words[3:]], **rest),
    )
    monkeypatch.setattr(jobs, "MOST", 1)
    yield
    jobs.end_all()


@pytest.fixture
def visit(monkeypatch):
    """Be another visitor."""

    def be(name: str) -> None:
        monkeypatch.setattr(jobs, "_visitor", lambda: name)

    be("anna")
    return be


def until(holds, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def test_what_it_tells_is_kept_and_its_end(visit):
    one = jobs.start("counting", dict(steps=3))
    assert psutil.Process(one._process.pid).nice() >= jobs.NICE  # while it starts, too
    until(lambda: one.ended)
    assert (one.state, one.why) == ("done", "") and [event["step"] for event in one.events] == [0, 1, 2]
    assert jobs.mine() is one and (one.folder / "end").exists()


def test_pause_step_ask_and_go_on(visit):
    one = jobs.start("counting", LONG)
    until(lambda: len(one.events) > 3)
    one.pause()
    until(lambda: not one.moving)
    count = len(one.events)
    one.step()
    until(lambda: len(one.events) == count + 1)
    time.sleep(0.3)
    assert len(one.events) == count + 1 and one.state == "paused"
    one.ask(seconds=0.0, steps=count + 50)
    one.go_on()
    until(lambda: one.ended)
    assert one.state == "done" and [event["step"] for event in one.events] == list(range(count + 50))


def test_others_wait_in_line_and_see_their_place(visit):
    first = jobs.start("counting", LONG)
    visit("bert")
    second = jobs.start("counting", LONG)
    visit("cara")
    third = jobs.start("counting", dict(steps=2))
    until(lambda: first.events)
    assert [one.place for one in (first, second, third)] == [0, 1, 2] and second.state == "waiting"
    second.stop()
    assert third.place == 1
    first.pause()  # a paused one takes no core, so the next has its place
    until(lambda: third.state == "done")
    first.go_on()
    until(lambda: first.state == "running")


def test_a_visitor_has_one(visit):
    first = jobs.start("counting", LONG)
    until(lambda: first.events)
    second = jobs.start("counting", dict(steps=1))
    assert jobs.mine() is second and first.state == "stopped" and not first.folder.exists()
    assert first._process.wait(20) != 0
    until(lambda: second.ended)


def test_none_outlives_its_visitor(visit, monkeypatch):
    one = jobs.start("counting", LONG)
    until(lambda: one.events)
    monkeypatch.setattr(jobs, "GONE", 0.2)
    monkeypatch.setattr(jobs, "FORGOTTEN", 1.0)
    monkeypatch.setattr(jobs, "_is_here", lambda visitor: False)
    until(lambda: one.state == "stopped")
    assert one._process.wait(20) != 0 and "left" in one.why
    until(lambda: jobs.mine() is None)
    assert not one.folder.exists()


def test_a_crash_is_told_and_loses_nothing(visit):
    one = jobs.start("counting", LONG | dict(dies=40))
    until(lambda: one.ended)
    assert one.state == "failed" and "status 7" in one.why and one.events
    one = jobs.start("counting", LONG)
    until(lambda: one.events)
    one._process.kill()
    until(lambda: one.ended)
    assert one.state == "failed" and "signal 9" in one.why


def test_what_is_wrong_with_its_settings_is_told(visit):
    one = jobs.start("counting", dict(raises=0))
    until(lambda: one.ended)
    assert (one.state, one.why) == ("failed", "the number is too large")


def test_long_settings_keep_no_other_visitor_waiting(visit):
    before = time.monotonic()
    one = jobs.start("counting", dict(steps=2, text="é" * 400_000))
    assert jobs.mine() is one and time.monotonic() - before < 0.3  # no process starts as fast
    until(lambda: one.ended)
    assert one.state == "done" and one.events[0]["settings"]["text"] == "é" * 400_000


def test_a_folder_that_cannot_be_made_is_told_and_one_that_was_deleted_is_made_anew(visit, monkeypatch):
    first = jobs.start("counting", dict(steps=1))
    until(lambda: first.ended)
    shutil.rmtree(scratch.MADE[0])
    again = jobs.start("counting", dict(steps=1))
    until(lambda: again.ended)
    assert again.state == "done" and (again.folder / "end").exists()

    def full(**where):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scratch.tempfile, "mkdtemp", full)
    none = jobs.start("counting", dict(steps=1))
    assert (none.state, jobs.mine()) == ("failed", none) and "No space left" in none.why
    assert Path.cwd().exists() and jobs.running() == 0


def test_a_process_that_cannot_be_started_is_told_and_the_next_has_its_place(visit, monkeypatch):
    popen = jobs.subprocess.Popen

    def none(*words, **rest):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(jobs.subprocess, "Popen", none)
    one = jobs.start("counting", LONG)
    assert one.state == "failed" and "temporarily unavailable" in one.why
    monkeypatch.setattr(jobs.subprocess, "Popen", popen)
    visit("bert")
    until(lambda two=jobs.start("counting", dict(steps=1)): two.state == "done")


def test_nothing_is_left_of_many(visit):
    me = psutil.Process()
    for count in range(10):
        one = jobs.start("counting", LONG)
        if count % 2:
            one.stop()
        if count == 1:
            until(lambda: not me.children())
            before, folders = me.num_fds(), len(list(scratch.MADE[0].iterdir()))
    until(lambda: not me.children() and me.num_fds() <= before)
    assert len(list(scratch.MADE[0].iterdir())) == folders


def test_what_a_killed_process_left_is_deleted_a_day_later(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "MADE", [])
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folders = {
        f"glassbox-{dead.pid}-old": True,
        f"glassbox-{dead.pid}-new": False,
        f"glassbox-{os.getppid()}-old": False,  # it runs
        "glassbox-mine-old": False,
    }
    for name in folders:
        (tmp_path / name / "job").mkdir(parents=True)
        if name.endswith("old"):
            os.utime(tmp_path / name, (0, 0))
    made = scratch.new()
    assert {name for name in folders if not (tmp_path / name).exists()} == {
        n for n, gone in folders.items() if gone
    }
    scratch.clear()
    assert not made.parent.exists()


def test_servers_that_share_the_machine_share_its_cores(monkeypatch):
    monkeypatch.undo()
    words = [sys.executable, "-c", "from app import jobs; print(jobs.MOST)"]
    cores = os.cpu_count()
    for servers, most in ((1, cores), (cores, 1), (4 * cores, 1)):
        environment = os.environ | {"GLASSBOX_PROCESSES": str(servers)}
        assert int(subprocess.run(words, env=environment, capture_output=True, check=True).stdout) == most


def test_the_page_is_drawn_less_often_where_others_wait(monkeypatch):
    running, waits = (
        jobs.Running("anna", "lesson", {}, Path(), state=state) for state in ("running", "waiting")
    )
    assert bar._pause(running) == bar.OFTEN < bar._pause(waits)
    monkeypatch.setattr(turns.DRAWING, "waiting", [None] * 3)
    assert bar._pause(running) == 4 * bar.OFTEN
    monkeypatch.setattr(turns.DRAWING, "waiting", [None] * 300)
    assert bar._pause(running) == bar.SELDOM


def test_it_ends_at_its_time(visit, monkeypatch):
    monkeypatch.setattr(jobs, "LIMIT", 0.5)
    one = jobs.start("counting", LONG)
    until(lambda: one.ended)
    assert one.state == "stopped" and "is over" in one.why


def test_it_ends_where_it_tells_too_much(visit, monkeypatch):
    monkeypatch.setattr(jobs, "ROOM", 500)
    one = jobs.start("counting", LONG)
    until(lambda: one.ended)
    assert one.state == "failed" and "told more than" in one.why
