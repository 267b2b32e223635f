"""Which tokens end a text: what the files of a checkpoint say of it."""

from pathlib import Path

from engine.load.files import is_there, read_json

FILE, NAME = "generation_config.json", "eos_token_id"


def ends_of(folder: Path, config: dict) -> tuple[int, ...]:
    """The eos_token_id of generation_config.json or, where there is no such file, of config.json: a number, a
    list of them, or null for none."""
    own = is_there(folder / FILE)
    file, given = (FILE, read_json(folder / FILE).get(NAME)) if own else ("config.json", config.get(NAME))
    ends = given if isinstance(given, list) else [] if given is None else [given]
    if not all(type(end) is int for end in ends):
        raise ValueError(
            f"{folder}/{file}: {NAME} is {given!r}; it must be a token id, a list of them, or null"
        )
    return tuple(ends)
