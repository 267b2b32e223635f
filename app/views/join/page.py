"""How others open this app: its address in the network, to be typed or photographed."""

import segno

from app import address, catalogue, components, state
from app.text import say
from app.ui.page import Page, columns, notice, text


def main() -> None:
    state.view(catalogue.models())  # a link may begin here
    with Page() as page:
        _page(address.others())
    components.show(page)
    state.publish()


def _page(addresses: list[str]) -> None:
    if not addresses:
        notice(say("join", "nobody"), "warning")
        return
    text(say("join", "lead"))
    components.qr("qr-0", _code(addresses[0]))
    if addresses[1:]:
        text(say("join", "others"))
        for place, (i, other) in zip(
            columns(*[1] * len(addresses[1:])), enumerate(addresses[1:], 1), strict=True
        ):
            with place:
                components.qr(f"qr-{i}", _code(other))
    text(say("join", "trouble"))


def _code(url: str) -> dict:
    rows = ["".join(map(str, row)) for row in segno.make(url, micro=False).matrix]
    return {"address": url, "rows": rows, "say": f"{say('join', 'code')} {url}"}


main()
