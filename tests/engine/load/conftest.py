import shutil

import pytest


@pytest.fixture
def folder(request, checkpoint, tmp_path):
    """A copy of the plain checkpoint of the file's LAYOUT, to be damaged."""
    layout = getattr(request.module, "LAYOUT", "gpt2")
    return shutil.copytree(checkpoint(layout=layout).folder, tmp_path / "damaged")


@pytest.fixture
def sharded(checkpoint, tmp_path):
    """A copy of the one in shards."""
    return shutil.copytree(checkpoint(max_shard_size="5KB").folder, tmp_path / "sharded")
