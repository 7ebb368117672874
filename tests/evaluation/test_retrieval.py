import numpy as np
import pytest

from wearfm.errors import BadConfiguration
from wearfm.evaluation import retrieval
from wearfm.evaluation.retrieval import retrieve

GENERATOR = np.random.default_rng(0)
QUERY = GENERATOR.normal(size=(60, 8))
PARTNER = QUERY + 0.8 * GENERATOR.normal(size=(60, 8))
PERSON = np.repeat([f"p{n}" for n in range(12)], 5)


def cosine(a, b):
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def ranks_by_hand(query, candidate, pool, person=None):
    """The rank of the partner of every window of a pool, one comparison after the other."""
    ranks = []
    for asks in pool:
        rank = 1.0
        for rival in pool:
            if rival == asks or (person is not None and person[rival] == person[asks]):
                continue
            gap = cosine(query[asks], candidate[rival]) - cosine(query[asks], candidate[asks])
            rank += 0.5 if abs(gap) <= 1e-6 else float(gap > 0)
        ranks.append(rank)
    return np.array(ranks)


@pytest.mark.parametrize("others_only", [False, True])
def test_ranks_are_those_of_one_comparison_after_the_other(others_only):
    made = retrieve(QUERY, PARTNER, pool=25, draws=6, seed=3, person=PERSON, others_only=others_only)
    generator = np.random.default_rng(3)
    pools = [generator.integers(0, 60, 25).tolist() for _ in range(6)]
    for ranking, (one, other) in ((made.forward, (QUERY, PARTNER)), (made.backward, (PARTNER, QUERY))):
        ranks = [ranks_by_hand(one, other, pool, PERSON if others_only else None) for pool in pools]
        assert ranking.mean_rank.mean == pytest.approx(np.mean([each.mean() for each in ranks]))
        assert ranking.mean_rank.std == pytest.approx(np.std([each.mean() for each in ranks]))
        assert ranking.median_rank.mean == pytest.approx(np.mean([np.median(each) for each in ranks]))
        for k in (1, 5, 10):
            assert ranking.top[k].mean == pytest.approx(np.mean([(each <= k).mean() for each in ranks]))


def test_both_ways_are_one_way_with_the_sides_exchanged():
    there = retrieve(QUERY, PARTNER, pool=30, draws=4, seed=0)
    back = retrieve(PARTNER, QUERY, pool=30, draws=4, seed=0)
    assert there.forward == back.backward
    assert there.backward == back.forward
    assert there.forward != there.backward


def test_norms_change_nothing_and_the_same_seed_gives_the_same():
    scaled = QUERY * GENERATOR.uniform(0.1, 10, (60, 1))
    before, after = (retrieve(each, PARTNER, pool=30, draws=4, seed=0) for each in (QUERY, scaled))
    assert after == before
    assert retrieve(QUERY, PARTNER, pool=30, draws=4, seed=1) != before


def test_equal_embeddings_are_found_at_once():
    made = retrieve(QUERY, QUERY, pool=40, draws=3, seed=0)
    assert made.forward.top[1].mean == 1.0
    assert made.forward.mean_rank.mean == made.forward.median_rank.mean == 1.0
    assert made.forward.mean_rank.std == 0.0


@pytest.mark.parametrize("others_only", [False, True])
def test_vectors_that_know_nothing_are_at_chance(others_only):
    noise = np.random.default_rng(1).normal(size=(2, 300, 64))
    person = np.repeat(np.arange(10).astype(str), 30)
    made = retrieve(*noise, pool=100, draws=100, seed=0, person=person, others_only=others_only)
    for figure in (made.forward.mean_rank, made.backward.mean_rank):
        assert figure.mean == pytest.approx(figure.chance, rel=0.1)
    assert made.forward.top[10].mean == pytest.approx(made.forward.top[10].chance, abs=0.04)
    assert made.rivals == pytest.approx(99 * 0.9 if others_only else 99 * (1 - 1 / 300), abs=0.5)


def test_collapsed_embeddings_tie_with_everything():
    made = retrieve(np.ones((50, 4)), np.ones((50, 4)), pool=20, draws=5, seed=0)
    assert made.forward.mean_rank.mean == pytest.approx(made.forward.mean_rank.chance)
    assert made.forward.top[1].mean == 0.0


def test_windows_of_one_person_are_no_rivals_when_only_others_count():
    """Every person has one vector: minutes cannot be told apart, people can."""
    code = np.unique(PERSON, return_inverse=True)[1]
    vectors = np.eye(12)[code]
    among_all = retrieve(vectors, vectors, pool=60, draws=5, seed=0, person=PERSON)
    among_others = retrieve(vectors, vectors, pool=60, draws=5, seed=0, person=PERSON, others_only=True)
    assert among_all.forward.mean_rank.mean > 2
    assert among_others.forward.mean_rank.mean == 1.0


def test_blocks_change_nothing(monkeypatch):
    whole = retrieve(QUERY, PARTNER, pool=50, draws=2, seed=0, person=PERSON, others_only=True)
    monkeypatch.setattr(retrieval, "_CELLS", 100)
    assert retrieve(QUERY, PARTNER, pool=50, draws=2, seed=0, person=PERSON, others_only=True) == whole


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(BadConfiguration, match=r"give \(N, D\) of the same windows"):
        retrieve(QUERY, PARTNER[:10], pool=5, seed=0)
    with pytest.raises(BadConfiguration, match="a pool needs 2 windows or more"):
        retrieve(QUERY, PARTNER, pool=1, seed=0)
    with pytest.raises(BadConfiguration, match="others_only needs to know whose every window is"):
        retrieve(QUERY, PARTNER, pool=5, seed=0, others_only=True)
