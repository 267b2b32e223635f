"""A formula in LaTeX as MathML that every browser lays out alike.

The converter leaves to the browsers what they do differently: which signs are operators, and how much room is
around them. Signs that TeX sets as ordinary ones get none, an upright name is one word, not a row of letters.
"""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert

XMLNS = "http://www.w3.org/1998/Math/MathML"
CLOSE = {"lspace": "0", "rspace": "0"}
SIGNS = {  # a sign: what it is, how it is written, and its attributes
    "∞": ("mi", "∞", {}),
    "…": ("mi", "…", {}),
    "⋯": ("mi", "⋯", {}),
    "max": ("mi", "max", {}),
    ";": ("mo", ";", {"lspace": "0", "rspace": "0.28em"}),
    "/": ("mo", "/", CLOSE),
    "⊙": ("mo", "⊙", {"largeop": "false"}),  # Firefox's is as large as a sum
    "^": ("mo", "ˆ", {"stretchy": "false"}),  # an accent, not the keyboard's sign
}
BEFORE_NUMBER = ("=", "(", ",")  # a minus after one of these belongs to its number
ROWS = ("math", "mrow", "mtd")
SUMS = ("msub", "msubsup")  # WebKit puts the room after a sum between the sum and its index


def mathml(latex: str) -> str:
    """The formula as a <math> element. latex2mathml's own errors where it is none."""
    root = ElementTree.fromstring(convert(latex, display="block").replace(f' xmlns="{XMLNS}"', ""))
    for part in list(root.iter()):
        _join_letters(part)
        _set_signs(part)
    root.set("xmlns", XMLNS)
    return ElementTree.tostring(root, "unicode")


def _join_letters(row: Element) -> None:
    """Upright letters side by side are one name."""
    before = None
    for part in list(row) if row.tag in ROWS else ():
        letter = part.tag == "mi" and part.get("mathvariant") == "normal"
        if letter and before is not None:
            before.text += part.text
            before.attrib.pop("mathvariant", None)  # several letters are upright anyway
            row.remove(part)
        else:
            before = part if letter else None


def _set_signs(row: Element) -> None:
    before = None
    for part in list(row):
        if part.tag in ("mi", "mo") and part.text in SIGNS:
            part.tag, part.text, attributes = SIGNS[part.text]
            part.attrib.update(attributes)
        if part.text == "−" and before is not None and before.text in BEFORE_NUMBER:
            part.set("form", "prefix")
        if part.tag in SUMS and part[0].text == "∑" and row.tag in ROWS:
            part[0].attrib.update(CLOSE)
            row.insert(list(row).index(part) + 1, Element("mspace", width="0.17em"))
        before = part
