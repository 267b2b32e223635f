"""The engine stands alone: no app, no plots, no reference library, nothing unpickled."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parents[2] / "engine").rglob("*.py"))
HEAVY = {"streamlit", "plotly", "transformers"}
OUTSIDE = HEAVY | {"app", "tests", "pickle", "dill", "joblib", "shelve"}


@pytest.fixture(params=FILES, ids=lambda file: "/".join(file.parts[-2:]))
def nodes(request):
    return list(ast.walk(ast.parse(request.param.read_text(encoding="utf-8"))))


def test_a_file_needs_nothing_of_the_app_and_no_other_engine(nodes):
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert not {name.partition(".")[0] for name in modules} & OUTSIDE


def test_nothing_is_ever_unpickled(nodes):
    assert "torch.load" not in {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    assert "allow_pickle" not in {node.arg for node in nodes if isinstance(node, ast.keyword)}


def test_a_model_is_loaded_and_run_without_any_heavy_library():
    heavy = HEAVY | {"torch._dynamo"}  # torch's compiler: a second and more
    code = f"import sys, engine; engine.run(engine.load(), 'Once'); print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
