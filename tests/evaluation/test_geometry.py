import numpy as np
import pytest

from wearfm.evaluation import geometry


def rank_by_hand(vectors):
    singular = np.linalg.svd(vectors, compute_uv=False)
    share = singular / singular.sum()
    return np.exp(-sum(p * np.log(p) for p in share if p > 0))


def test_effective_rank_is_the_exponential_of_an_entropy():
    vectors = np.random.default_rng(0).normal(size=(40, 6)) * [5, 3, 1, 1, 0.5, 0.1]
    assert geometry.effective_rank(vectors) == pytest.approx(rank_by_hand(vectors), rel=1e-6)


def test_equal_singular_values_use_all_dimensions():
    assert geometry.effective_rank(np.eye(7)) == pytest.approx(7)


@pytest.mark.parametrize(("rank", "used"), [(1, 1.0), (0, 0.0)])
def test_a_collapsed_embedding_uses_one_dimension_or_none(rank, used):
    line = np.arange(10.0)[:, None] * np.ones((1, 5)) if rank else np.zeros((10, 5))
    assert geometry.centred_rank(line + 3.0) == pytest.approx(used, abs=1e-3)


def test_dispersion_is_within_over_between():
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, 3.0]])  # unit length: two points, no spread within
    assert geometry.dispersion_ratio(vectors, np.array([0, 0, 1, 1])) == pytest.approx(0.0)
    mixed = geometry.dispersion_ratio(vectors, np.array([0, 1, 0, 1]))
    assert np.isnan(mixed)  # the centroids coincide
    square = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])  # centroids (.5, .5) and (-.5, -.5)
    assert geometry.dispersion_ratio(square, np.array([0, 0, 1, 1])) == pytest.approx(1.0)


def test_near_duplicates_are_counted():
    vectors = np.random.default_rng(0).normal(size=(20, 8))
    assert geometry.near_duplicates(vectors, seed=0) == 0.0
    vectors[:5] = vectors[5:10]
    assert geometry.near_duplicates(vectors, seed=0) == pytest.approx(0.5)
    assert geometry.near_duplicates(np.ones((20, 8)), seed=0) == 1.0


def test_the_map_shows_the_main_direction():
    generator = np.random.default_rng(0)
    group = np.repeat([0.0, 1.0], 30)
    vectors = np.outer(group, np.ones(10)) * 4 + generator.normal(size=(60, 10))
    points, share = geometry.project(vectors)
    assert points.shape == (60, 2)
    assert abs(np.corrcoef(points[:, 0], group)[0, 1]) > 0.95
    assert share[0] > share[1] > 0


@pytest.mark.parametrize("shape", [(5, 40), (40, 1), (6, 2)])
def test_any_shape_has_a_map(shape):
    points, _ = geometry.project(np.random.default_rng(0).normal(size=shape))
    assert points.shape == (shape[0], 2)
    assert np.isfinite(points).all()
