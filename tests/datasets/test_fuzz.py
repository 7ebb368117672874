"""Damaged data sets: whatever is done to one of their files, the result is recordings or one clear line."""

import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import WRITERS
from tests.readers.test_fuzz import MUTATIONS
from wearfm.datasets import DATASETS
from wearfm.errors import WearfmError

TRIES = int(os.environ.get("WEARFM_FUZZ", "200")) // 10  # of each data set: a whole one is read every time


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_damaged_file_is_read_or_refused_with_a_line(name: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    folder = tmp_path / "raw"
    WRITERS[name](folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    for _ in range(TRIES):
        path = files[generator.integers(len(files))]
        content = path.read_bytes()
        path.write_bytes(MUTATIONS[generator.integers(len(MUTATIONS))](content, generator))
        said = _read(name, folder)
        assert "\n" not in said, said
        path.write_bytes(content)
    assert _read(name, folder) == ""


def _read(name: str, folder: Path) -> str:
    """Read everything; return what a refusal says, "" for none."""
    try:
        for one in DATASETS[name].recordings(folder):
            assert len(one.quality.channels) == len(one.channels)
    except WearfmError as error:
        return str(error).strip()
    return ""
