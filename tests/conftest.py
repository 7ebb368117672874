"""Folders that tests read when they are there: real recordings and the outputs of the original models."""

import os
from pathlib import Path

import pytest

from tests.engines.clusters import cluster  # noqa: F401 (a fixture)

ROOT = Path(__file__).resolve().parents[1]


def _folder(variable: str, default: str) -> Path:
    path = ROOT / os.environ.get(variable, default)
    if not path.is_dir():
        pytest.skip(f"{variable} names no folder ({path})")
    return path


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Real, openly licensed recordings."""
    return _folder("WEARFM_DATA", "../shared/data")


@pytest.fixture(scope="session")
def oracle_folder() -> Path:
    """Inputs and outputs of the original models."""
    return _folder("WEARFM_ORACLES", "../shared/oracles/dev")
