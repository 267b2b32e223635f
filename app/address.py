"""Where this server is found: by this machine, and by others where it listens to the network."""

import ipaddress
import os
import socket

import psutil
from streamlit import config

EVERYWHERE = ("0.0.0.0", "::")
HERE = ("localhost", "127.0.0.1", "::1")


def behind() -> bool:
    """Is this one of several processes, which one balancer stands before?"""
    return "GLASSBOX_AT" in os.environ


def _at() -> tuple[str | None, int | str]:
    """The address and the port that are listened to: the balancer's, where there is one."""
    if behind():
        return tuple(os.environ["GLASSBOX_AT"].split())
    return config.get_option("server.address"), config.get_option("server.port")


def here() -> str:
    """The address for this machine itself."""
    address = _at()[0]
    return url("localhost" if address in (None, *EVERYWHERE, *HERE) else address)


def shared() -> bool:
    """Does the server listen to more than this machine?"""
    return _at()[0] not in HERE


def others() -> list[str]:
    """The addresses for other machines, the likeliest first; none where only this one is listened to."""
    address = _at()[0]
    hosts = of_this_machine() if address in (None, *EVERYWHERE) else [address]
    return [url(host) for host in hosts] if shared() else []


def told() -> list[str]:
    """Where to open the app, a line each, for the terminal."""
    if not shared():
        return [f"open {here()}"]
    lines = [f"for others in this network: {address}" for address in others()]
    return [f"open {here()} on this machine", *(lines or ["no network was found that others could come from"])]


def url(host: str) -> str:
    scheme = "https" if config.get_option("server.sslCertFile") else "http"
    path = config.get_option("server.baseUrlPath").strip("/")
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}:{config.get_option('server.port')}{path and '/' + path}"


def of_this_machine() -> list[str]:
    """The IPv4 addresses of all networks that this machine is in, first the one that leads outside."""
    up = {name for name, card in psutil.net_if_stats().items() if card.isup}
    cards = psutil.net_if_addrs().items()
    found = [a.address for name, card in cards if name in up for a in card if a.family == socket.AF_INET]
    found = [address for address in found if _reachable(address)]
    return sorted(found, key=lambda address: address != _outward())


def _reachable(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return not (ip.is_loopback or ip.is_link_local)


def _outward() -> str:
    """The address that a connection to the world would come from; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("198.51.100.1", 9))  # an address that is kept for documentation
        except OSError:
            return ""  # no network
        return s.getsockname()[0]
