"""By hand in a real browser: a given and its result are seen together; a file too large changes nothing."""

from tests.browser.reading import idle

BOTTOM = "e => e.getBoundingClientRect().bottom"


def test_a_given_and_its_first_result_stand_on_the_first_screen(visitor, app):
    page = visitor()
    page.set_viewport_size({"width": 1280, "height": 720})
    for example, given, step in (
        ("reza_lives", "V", "QK"),
        ("layernorm", "x", "mu"),
        ("john_kicked_the", "S", "masked"),
    ):
        page.goto(f"{app}/by-hand?example={example}")
        page.wait_for_selector(f"[data-part=step-{step}] .cell")
        idle(page)
        assert page.locator(f"[data-part=given-{given}] table").evaluate(BOTTOM) <= 720
        assert page.locator(f"[data-part=step-{step}] table").first.evaluate(BOTTOM) <= 720


def test_a_file_that_is_too_large_changes_nothing(visitor, app):
    page = visitor()
    page.goto(f"{app}/by-hand?hand=own")
    page.get_by_role("button", name="Masked attention").click()
    page.wait_for_selector("[data-part=step-Z] .cell")
    idle(page)
    before = page.url
    file = {"name": "x.toml", "mimeType": "text/plain", "buffer": b"# " + b"x" * 2_000_000}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text("too large for an example").wait_for()
    idle(page)
    assert page.url == before and page.locator("[data-part=step-Z] .cell").count()


def test_an_example_is_picked_from_a_list(visitor, app):
    page = visitor()
    page.goto(f"{app}/by-hand")
    page.wait_for_selector("[data-part=step-Z] .cell")
    page.get_by_label("Topic", exact=True).select_option(label="Normalisation")
    page.wait_for_selector("[data-part=given-x]")
    page.wait_for_url(lambda url: "example=" in url)
    assert page.get_by_label("Topic", exact=True).input_value() == "normalisation"
