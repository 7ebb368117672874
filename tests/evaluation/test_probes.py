import numpy as np
import pytest

from wearfm.errors import UnknownName
from wearfm.evaluation.metrics import score
from wearfm.evaluation.probes import PROBES, Target, predict

GENERATOR = np.random.default_rng(0)
FOLD = np.repeat(np.arange(20), 5) % 4
FEATURES = GENERATOR.normal(size=(100, 6)).astype(np.float32)
BINARY = Target(values=(FEATURES[:, 0] + 0.5 * GENERATOR.normal(size=100) > 0).astype(np.int64), num_classes=2)
NUMBERS = Target(values=50.0 + 5.0 * FEATURES[:, 1].astype(np.float64) + GENERATOR.normal(size=100))
THREE = Target(values=np.digitize(FEATURES[:, 2], (-0.5, 0.5)).astype(np.int64), num_classes=3)


@pytest.mark.parametrize("probe", sorted(set(PROBES) - {"mean"}))
def test_every_probe_finds_what_is_there(probe):
    assert score("auroc", BINARY.values, predict(probe, FEATURES, BINARY, FOLD).values) > 0.85
    assert score("auroc_ovo", THREE.values, predict(probe, FEATURES, THREE, FOLD).values) > 0.8
    assert score("pearson", NUMBERS.values, predict(probe, FEATURES, NUMBERS, FOLD).values) > 0.7


@pytest.mark.parametrize("probe", sorted(PROBES))
def test_predictions_have_the_shape_of_their_task(probe):
    assert predict(probe, FEATURES, BINARY, FOLD).values.shape == (100,)
    assert predict(probe, FEATURES, NUMBERS, FOLD).values.shape == (100,)
    assert predict(probe, FEATURES, THREE, FOLD).values.shape == (100, 3)


@pytest.mark.parametrize("probe", sorted(PROBES))
def test_labels_of_the_test_fold_do_not_reach_its_predictions(probe):
    flipped = Target(values=np.where(FOLD == 1, 1 - BINARY.values, BINARY.values), num_classes=2)
    before, after = (predict(probe, FEATURES, each, FOLD).values[FOLD == 1] for each in (BINARY, flipped))
    np.testing.assert_allclose(before, after, atol=1e-4)


@pytest.mark.parametrize("probe", ["linear", "knn", "mean", "normwear"])
def test_probabilities_add_up_to_one(probe):
    np.testing.assert_allclose(predict(probe, FEATURES, THREE, FOLD).values.sum(axis=1), 1.0)


def test_the_mean_probe_knows_the_training_side_only():
    made = predict("mean", FEATURES, NUMBERS, FOLD).values
    assert made[FOLD == 2] == pytest.approx(NUMBERS.values[FOLD != 2].mean())


def test_the_published_probe_of_normwear_stays_in_the_training_range():
    far = FEATURES.copy()
    far[FOLD == 0] *= 100
    made = predict("normwear", far, NUMBERS, FOLD).values[FOLD == 0]
    train = NUMBERS.values[FOLD != 0]
    assert made.min() >= train.min() - 1e-9
    assert made.max() <= train.max() + 1e-9


def test_an_unknown_probe_is_refused():
    with pytest.raises(UnknownName, match="probe 'forest' is not known"):
        predict("forest", FEATURES, BINARY, FOLD)
