"""How this part shows numbers: tables, and charts in the common frame."""

from app.text import say, sized


def bytes_of(x: float) -> str:
    """So many bytes, in three digits."""
    return sized(round(x))


def scientific(x: float) -> str:
    """3.14 · 10²³"""
    if x == 0:
        return "0"
    mantissa, _, power = f"{x:.2e}".partition("e")
    return f"{mantissa}\u00a0·\u00a010{str(int(power)).translate(RAISED)}"


RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def heads(*names: str) -> list[str]:
    """The heads of a table."""
    return [say("costs", f"head/{name}") if name else "" for name in names]
