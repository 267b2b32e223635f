"""How quantities are written: in plain letters in a picture, in LaTeX in a formula."""

GREEK = {"alpha": ("α", r"\alpha"), "beta": ("β", r"\beta"), "gamma": ("γ", r"\gamma")}
OWN = {"y_hat": ("ŷ", r"\hat{y}"), "X_out": ("X′", "X'"), "C2": ("C²", "C^2")}
SYMBOLS = GREEK | OWN | {f"W_{letter}": (f"W_{letter}", f"W_{letter}") for letter in "qkv"}


def typed(name: str) -> str:
    """A name that somebody typed, in LaTeX: several letters upright, an underscore as itself."""
    return rf"\mathrm{{{name}}}".replace("_", r"\_") if len(name) > 1 or name == "_" else name


def plain(name: str) -> str:
    return SYMBOLS.get(name, (name, name))[0]


def latex(name: str) -> str:
    return SYMBOLS.get(name, (name, name))[1]
