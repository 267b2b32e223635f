"""The page that brings others in: it is there when the server listens to them, and says where to come."""

import pytest
import segno

from app import address
from tests.app.visit import MAIN, given, keys, markdown, notices, visit

JOIN = str(MAIN.parent / "views" / "join" / "page.py")
ADDRESSES = ["http://10.1.2.3:8501", "http://192.168.5.6:8501"]


def page(monkeypatch, addresses: list[str]):
    monkeypatch.setattr(address, "shared", lambda: True)
    monkeypatch.setattr(address, "others", lambda: addresses)
    at = visit()
    at.switch_page(JOIN).run()
    assert not at.exception
    return at


def test_every_address_is_a_link_and_a_code(monkeypatch):
    at = page(monkeypatch, ADDRESSES)
    codes = [given(at, f"qr-{i}") for i in range(2)]
    assert [code["address"] for code in codes] == ADDRESSES
    for code in codes:
        wanted = segno.make(code["address"], micro=False).matrix
        assert code["rows"] == ["".join(map(str, row)) for row in wanted]
        assert code["address"] in code["say"]
    assert any("firewall" in text for text in markdown(at))


def test_where_nobody_can_come_the_way_out_is_said(monkeypatch):
    at = page(monkeypatch, [])
    assert not [key for key in keys(at) if key.startswith("qr")]
    assert any("--network" in text for text in notices(at))


def test_a_server_for_this_machine_alone_has_no_such_page():
    with pytest.raises(ValueError, match="Could not find"):
        visit().switch_page(JOIN)
