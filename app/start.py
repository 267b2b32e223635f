"""Start the app as a server: its options, a port that is free, and where to open it."""

import os
import signal


def say(text: str) -> None:
    print(f"[glassbox] {text}", flush=True)


def end(*_) -> None:
    """Ctrl+C while the imports go on, before the server has a better way."""
    say("ended")
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, end)

import argparse  # noqa: E402
import contextlib  # noqa: E402
import difflib  # noqa: E402
import errno  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import click  # noqa: E402
from streamlit import config  # noqa: E402
from streamlit.web.cli import main as streamlit  # noqa: E402

from app.processes import main as several  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
COMMAND = os.environ.get("GLASSBOX_COMMAND", "python -m app.start")
TRIED = 20  # ports, one after the other
ONES_OWN = ("server.port", "server.address")  # of Streamlit's options those with an option of their own here


def main() -> None:
    """Start the app, from the command line."""
    here = Path.cwd()
    os.chdir(ROOT)  # Streamlit reads its settings there
    given = _given(_parser(), here)
    if device := given.pop("device"):
        os.environ["GLASSBOX_DEVICE"] = device
    if folders := given.pop("models"):
        os.environ["GLASSBOX_MODELS"] = os.pathsep.join(_folders(folders, here))
    processes = given.pop("processes")
    given["server.address"] = given["server.address"] or config.get_option("server.address") or "0.0.0.0"
    given["server.port"] = _port(given["server.port"], given["server.address"])
    options = [f"--{name}={value}" for name, values in given.items() for value in _all(values)]
    say("starting; the address comes when it can be opened, Ctrl+C ends it")
    if processes:
        sys.exit(several([processes, *options]))
    _serve([*options, "--logger.hideWelcomeMessage=true"])


def stop(text: str) -> None:
    sys.exit(f"[glassbox] {text}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Open the app in the browser.",
        epilog="Streamlit's own options are taken too, such as --server.headless true or --theme.base dark.",
        allow_abbrev=False,
        argument_default=None,
    )
    parser.add_argument("--port", "--server.port", dest="server.port", type=int, metavar="N", help="(8501)")
    parser.add_argument(
        "--network",
        dest="server.address",
        action="store_const",
        const="0.0.0.0",
        help="let other machines in this network open it, for a class",
    )
    parser.add_argument(
        "--address", "--server.address", dest="server.address", help="listen to this address alone (localhost)"
    )
    parser.add_argument(
        "--device", metavar="NAME", help="what computes: cpu, cuda, … (a GPU where there is one)"
    )
    parser.add_argument(
        "--models",
        metavar="DIR",
        action="append",
        help="show the models in this folder, too; several times for several folders",
    )
    parser.add_argument("--processes", metavar="N", help="so many server processes, for a crowd (1)")
    for name in set(config.get_config_options()) - set(ONES_OWN):
        parser.add_argument(f"--{name}", dest=name, action="append", help=argparse.SUPPRESS)
    return parser


def _given(parser: argparse.ArgumentParser, here: Path) -> dict:
    """The options as they were typed; `here` is the folder in which files were named."""
    given, others = parser.parse_known_args()
    if others:
        names = [name for action in parser._actions for name in action.option_strings]
        near = difflib.get_close_matches(others[0].partition("=")[0], names, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        parser.error(f"there is no option {others[0]}{meant}")
    files = {
        name: [str(here / file) for file in value]
        for name, value in vars(given).items()
        if name.endswith("File") and value
    }
    return vars(given) | files


def _folders(named: list[str], here: Path) -> list[str]:
    """Folders as they were named in `here`; the end of it all where there is none of that name."""
    found = [(here / Path(name).expanduser()).resolve() for name in named]
    for name, folder in zip(named, found, strict=True):
        if not folder.is_dir():
            stop(f"There is no folder {name}; --models takes one that holds models, a folder each.")
        if os.pathsep in str(folder):
            stop(f"{folder} has {os.pathsep!r} in its name, which stands between several folders; rename it.")
    return [str(folder) for folder in found]


def _all(values: object) -> list:
    return [] if values is None else values if isinstance(values, list) else [values]


def _port(asked: int | None, address: str) -> int:
    """The port that was asked for, which must be free, or the first free one."""
    if asked is not None and not 1 <= asked <= 65535:
        stop(f"There is no port {asked}; they go from 1 to 65535.")
    usual = asked or config.get_option("server.port")
    ports = range(usual, min(usual + TRIED, 65536))
    free = next((port for port in ports if not _taken(port, address)), None)
    if free == usual:
        return free
    taken = f"Port {usual} is taken, perhaps by another Glassbox."
    if asked is None and free:
        say(f"{taken} This one takes port {free}.")
        return free
    stop(f"{taken} Take another: {COMMAND} --port {free or 'N'}")


def _taken(port: int, address: str) -> bool:
    """Does something listen there? Other trouble ends it all with a word."""
    for host in {address, "127.0.0.1" if address == "0.0.0.0" else address}:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.create_server((host, port), family=family):
                pass
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            hint = (
                "ports below 1024 are the system's; take one above"
                if error.errno == errno.EACCES
                else error.strerror
            )
            stop(f"This machine cannot listen at {host}, port {port}: {hint}.")
    return False


def _serve(options: list[str]) -> None:
    config._config_options = None  # read to look things up; without it Streamlit would speak of a change
    with contextlib.suppress(KeyboardInterrupt, click.exceptions.Abort):
        try:
            streamlit(["run", str(ROOT / "app" / "server.py"), *options], standalone_mode=False)
        except click.ClickException as error:
            stop(f"{error.format_message()} {COMMAND} --help says more.")
    say("ended")


if __name__ == "__main__":
    main()
