"""Where each slide lives: every link of the list leads somewhere, and the page shows the list."""

import re
from dataclasses import replace
from functools import cache
from urllib.parse import parse_qsl, urlencode

import pytest

import engine
from app import catalogue, lectures
from app.architecture import steps_of
from app.state import CHOICES, DEFAULT, read_link, side_of
from app.text import say
from engine.examples import all_rows, names, shipped
from tests.app.visit import MAIN, fire, given, markdown, visit

PAGE = str(MAIN.parent / "views" / "by_hand" / "page.py")
NUMBERS = tuple(lectures.titles())
ITEMS = [item for lecture in NUMBERS for slide in lectures.slides(lecture) for item in slide.items]


@cache
def models() -> list[str]:
    return catalogue.models()


@cache
def steps(model: str, side: str) -> tuple[str, ...]:
    found = engine.load(model)
    two = len(found.reads) == 2
    return steps_of(found.get_submodule(side if two else "").config, side if two else "")


def trouble(link: str) -> str:
    """Why a link does not lead where it says; empty if it does."""
    page, _, query = link[1:].partition("?")
    params = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    view, ignored = read_link(params, models())
    if ignored:
        return " ".join(ignored)
    if page == "by-hand" and "example" in params and params["example"] not in names():
        return f"no example {params['example']}"
    if page == "" and "step" in params:
        model = view.model or models()[0]
        side = side_of(replace(view, model=model))
        if view.step not in steps(model, side):
            return f"{model} {side} has no step {view.step}"
    return ""


def test_the_list_is_long_and_every_lecture_is_in_it():
    assert NUMBERS == ("000", "001", "002", "003", "004")
    assert all(lectures.slides(lecture) and lectures.remarks(lecture) for lecture in NUMBERS)
    assert len(ITEMS) > 300


def test_every_link_leads_somewhere():
    links = {item.link for item in ITEMS if item.there}
    assert not {link: why for link in links if (why := trouble(link))}


def test_every_line_of_the_lectures_is_live():
    assert all(item.there for item in ITEMS)
    parts = {f"/train?train={part}" for part in CHOICES["train"]}
    assert {item.link.partition("&")[0] for item in ITEMS if item.page == "train"} <= parts


def test_a_line_about_a_model_that_is_yet_to_come_is_left_out_until_it_is_there(monkeypatch):
    def named(shipped: list[str]) -> set[str]:
        monkeypatch.setattr(engine, "shipped", lambda: shipped)
        lectures.slides.cache_clear()
        return {item.model for lecture in NUMBERS for slide in lectures.slides(lecture) for item in slide.items}

    coming = lectures._read("lectures")["coming"]
    assert named(coming) - named([]) == set(coming)
    lectures.slides.cache_clear()


def test_a_page_that_is_not_there_is_a_planned_one():
    missing = {item.page for item in ITEMS if not item.there}
    assert missing <= set(lectures.planned())


def test_pages_are_those_of_the_navigation():
    addresses = {*re.findall(r'url_path="([\w-]+)"', MAIN.read_text("utf-8")), ""}
    assert {item.page for item in ITEMS if item.there} <= addresses


@pytest.mark.parametrize("link", ["/?step=cell", "/by-hand?example=nothing", "/?model=nobody", "/?stepp=mask"])
def test_a_link_that_leads_nowhere_is_found(link):
    assert trouble(link)


def test_remarks_name_slides_of_the_list():
    titles = {(slide.lecture, slide.title) for lecture in NUMBERS for slide in lectures.slides(lecture)}
    places = {(one.lecture, one.place) for lecture in NUMBERS for one in lectures.remarks(lecture)}
    assert places <= titles, places - titles


def test_printed_numbers_name_slides_of_the_list():
    titles = {(slide.lecture, slide.title) for lecture in NUMBERS for slide in lectures.slides(lecture)}
    places = {(row.lecture, row.place) for row in all_rows()}
    assert places <= titles, places - titles


def test_the_page_shows_the_list_of_a_lecture():
    at = visit(hand="slides").switch_page(PAGE).run()
    assert not at.exception
    rows = given(at, "links-where")["rows"]
    assert len(rows) == sum(len(slide.items) for slide in lectures.slides("000"))
    assert all(isinstance(cell, dict) for *_, cell in rows)
    (memory,) = (cell for _, says, cell in rows if says.startswith("What saves memory"))
    assert memory == {"text": f"Train: {say('train', 'costs')}", "href": "./train?train=costs"}
    fire(at, "control-lecture", change="002")
    assert not at.exception
    assert len(given(at, "links-remarks")["rows"]) == len(lectures.remarks("002"))
    assert any("live" in text for text in markdown(at))
    assert "slides" in CHOICES["hand"] and DEFAULT.hand != "slides"


@pytest.mark.parametrize("name", names())
def test_the_walk_of_an_example_is_there(name):
    walk = shipped(name).walk
    assert not walk or not trouble("/?" + urlencode(walk))
