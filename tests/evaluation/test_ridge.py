import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from wearfm.evaluation import ridge

STRENGTHS = (1e-4, 1e-2, 1.0)


def problem(rows=90, width=6, targets=2, seed=0):
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(rows, width)) * np.arange(1, width + 1) + 5.0
    fold = np.arange(rows) % 4
    signal = features @ generator.normal(size=(width, targets))
    return features, signal + 3.0 * generator.normal(size=(rows, targets)), fold


def probe_by_hand(features, target, train, strength):
    scaler = StandardScaler().fit(features[train])
    alpha = strength * features.shape[1] * train.sum()  # our penalty is a share of the total variance, of mean squares
    fitted = Ridge(alpha=alpha).fit(scaler.transform(features[train]), target[train])
    return fitted.predict(scaler.transform(features))


def cross_fit_by_hand(features, target, fold):
    prediction, chosen = np.empty(len(target)), []
    for outer in range(4):
        errors = []
        for strength in STRENGTHS:
            error = 0.0
            for inner in set(range(4)) - {outer}:
                made = probe_by_hand(features, target, ~np.isin(fold, (outer, inner)), strength)
                error += ((made - target)[fold == inner] ** 2).sum()
            errors.append(error)
        chosen.append(STRENGTHS[int(np.argmin(errors))])
        prediction[fold == outer] = probe_by_hand(features, target, fold != outer, chosen[-1])[fold == outer]
    return prediction, chosen


@pytest.mark.parametrize("width", [6, 150])  # fewer features than rows, and more
def test_shared_moments_give_what_one_probe_after_the_other_gives(width):
    features, targets, fold = problem(width=width)
    fit = ridge.cross_fit(features, targets, fold, strengths=STRENGTHS)
    for column in range(2):
        prediction, chosen = cross_fit_by_hand(features, targets[:, column], fold)
        np.testing.assert_allclose(fit.prediction[:, column], prediction, rtol=1e-6, atol=1e-6)
        assert fit.strength[:, column].tolist() == chosen


def test_the_test_fold_cannot_reach_its_own_penalty_or_prediction():
    features, targets, fold = problem()
    changed = targets.copy()
    changed[fold == 2] = 1000.0 * np.random.default_rng(9).normal(size=changed[fold == 2].shape)
    before, after = (ridge.cross_fit(features, each, fold, strengths=STRENGTHS) for each in (targets, changed))
    np.testing.assert_allclose(after.prediction[fold == 2], before.prediction[fold == 2])
    np.testing.assert_array_equal(after.strength[2], before.strength[2])
    assert not np.allclose(after.prediction[fold == 1], before.prediction[fold == 1])


@pytest.mark.parametrize("width", [6, 150])
def test_shift_and_scale_of_features_change_nothing(width):
    features, targets, fold = problem(width=width)
    moved = features * np.linspace(0.01, 50, width) + 1e4
    first, second = (ridge.cross_fit(each, targets, fold).prediction for each in (features, moved))
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-4)  # 1e4 of offset costs digits


def test_constant_features_are_left_out():
    features, targets, fold = problem()
    padded = np.concatenate((features, np.full((90, 3), 7.0)), axis=1)
    np.testing.assert_allclose(
        ridge.cross_fit(padded, targets, fold).prediction, ridge.cross_fit(features, targets, fold).prediction
    )


def test_a_feature_that_is_constant_in_training_only_is_left_out():
    features, targets, fold = problem()
    odd = np.where(fold == 0, np.random.default_rng(0).normal(size=90), 1.0)[:, None]
    fit = ridge.cross_fit(np.concatenate((features, odd), axis=1), targets, fold)
    assert np.isfinite(fit.prediction).all()
    np.testing.assert_allclose(
        fit.prediction[fold == 0], ridge.cross_fit(features, targets, fold).prediction[fold == 0], rtol=0.2, atol=2.0
    )  # the strength ladder is the same, but the odd feature may move the choice of others


def test_targets_of_a_block_share_their_penalty():
    features, targets, fold = problem(targets=3)
    fit = ridge.cross_fit(features, targets, fold, block=np.array([0, 0, 1]))
    np.testing.assert_array_equal(fit.strength[:, 0], fit.strength[:, 1])


def test_without_any_feature_the_training_mean_is_left():
    _, targets, fold = problem()
    fit = ridge.cross_fit(np.ones((90, 4)), targets, fold)
    np.testing.assert_allclose(fit.prediction[fold == 0], np.broadcast_to(targets[fold != 0].mean(axis=0), (23, 2)))


@pytest.mark.parametrize("width", [5, 40])
def test_fit_predict_is_ridge_on_given_scales(width):
    generator = np.random.default_rng(0)
    train, test, target = generator.normal(size=(20, width)), generator.normal(size=(7, width)), generator.normal(size=(20, 2))
    expected = Ridge(alpha=0.1 * width * 20).fit(train, target).predict(test)
    np.testing.assert_allclose(ridge.fit_predict(train, target, test, strength=0.1), expected)
