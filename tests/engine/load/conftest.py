import shutil

import pytest


@pytest.fixture
def folder(checkpoint, tmp_path):
    """A copy of the plain checkpoint, to be damaged."""
    return shutil.copytree(checkpoint().folder, tmp_path / "damaged")


@pytest.fixture
def sharded(checkpoint, tmp_path):
    """A copy of the one in shards."""
    return shutil.copytree(checkpoint(max_shard_size="5KB").folder, tmp_path / "sharded")
