"""Every public function and class of the engine says what it is."""

import ast
from pathlib import Path

import pytest

import engine

ROOT = Path(engine.__file__).parent
FILES = [str(file.relative_to(ROOT)) for file in sorted(ROOT.rglob("*.py"))]


def unsaid(node: ast.AST, inside: str = "") -> list[str]:
    """Public definitions without a docstring, those in public classes too."""
    found = []
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.ClassDef) and not part.name.startswith("_"):
            found += [] if ast.get_docstring(part) else [inside + part.name]
            found += unsaid(part, f"{part.name}.") if isinstance(part, ast.ClassDef) else []
    return found


@pytest.mark.parametrize("file", FILES)
def test_every_public_definition_says_what_it_is(file):
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    assert unsaid(tree) == []
    assert ast.get_docstring(tree) or not tree.body
