"""What it costs, in a browser: bars follow a switch, what is typed stays, a landscape comes row by row."""

from tests.serving import idle


def open_part(page, app: str, costs: str = "") -> None:
    page.goto(f"{app}/train?train=costs&costs={costs}")
    page.wait_for_selector("text=What it costs")
    idle(page)


def test_a_wrong_number_is_told_and_stays_and_a_switch_is_followed(page, app):
    open_part(page, app)
    assert page.locator("text=/each of the 64 devices/").count() == 1
    field = page.get_by_label("Devices", exact=True)
    field.fill("10³⁰⁰")
    field.press("Enter")
    page.wait_for_selector("text=/is not a number that can be used/")
    assert field.input_value() == "10³⁰⁰"
    field.fill("128")
    field.press("Enter")
    page.wait_for_selector("text=/each of the 128 devices/")
    page.get_by_label("Gradient checkpointing").click()
    page.wait_for_url("**checkpoints**")
    page.wait_for_selector("text=/too much for|fits into/")
    assert "devices" in page.url


def test_a_landscape_comes_row_by_row_with_four_ways(page, app):
    open_part(page, app, "part=optimizers,model=bookworm,rows=5,steps=3")
    page.get_by_role("button", name="Draw the landscape").click()
    page.wait_for_selector("text=5 of 5 rows, 4 ways", timeout=120_000)
    page.wait_for_selector(".js-plotly-plot .contourlayer path", state="attached")
    page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", state="attached")
    assert page.locator(".js-plotly-plot .scatterlayer .trace").count() == 4
    assert page.locator("[data-part=light-step]").get_by_text("By hand").count() == 1
    assert page.locator("[data-part=light-step] .light.ok").count() == 1
