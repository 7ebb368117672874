"""One small Ray cluster for all tests that need one, started at the first, gone at the end of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from wearfm.engines.cluster import Ray


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Two workers of Ray on this machine, started and ended as a user's call does; every call between them joins it."""
    ray = pytest.importorskip("ray")
    with Ray(workers=2).connected():
        assert ray.cluster_resources()["CPU"] == 2
        yield ray
    assert not ray.is_initialized()
