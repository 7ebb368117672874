import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from wearfm.evaluation import logistic

STRENGTHS = (1e-4, 1e-2, 1.0)


def problem(rows=120, width=5, classes=2, seed=0):
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(rows, width)) * np.arange(1, width + 1) + 3.0
    score = (features / np.arange(1, width + 1)) @ generator.normal(size=(width, classes))
    labels = (score + 1.5 * generator.gumbel(size=score.shape)).argmax(axis=1)
    return features, labels.astype(np.int64), np.arange(rows) % 4


def probe_by_hand(features, labels, train, strength):
    scaler = StandardScaler().fit(features[train])
    C = 1 / (strength * features.shape[1] * train.sum())
    fitted = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(scaler.transform(features[train]), labels[train])
    return fitted.predict_log_proba(scaler.transform(features))


def log_loss(log_share, labels):
    return -log_share[np.arange(len(labels)), labels].sum()


def cross_fit_by_hand(features, labels, fold):
    log_share, chosen = np.empty((len(labels), labels.max() + 1)), []
    for outer in range(4):
        losses = []
        for strength in STRENGTHS:
            rows = [(fold == inner, ~np.isin(fold, (outer, inner))) for inner in set(range(4)) - {outer}]
            losses.append(
                sum(log_loss(probe_by_hand(features, labels, train, strength)[test], labels[test]) for test, train in rows)
            )
        chosen.append(STRENGTHS[int(np.argmin(losses))])
        log_share[fold == outer] = probe_by_hand(features, labels, fold != outer, chosen[-1])[fold == outer]
    return log_share, chosen


def log_softmax(logit):
    if logit.ndim == 1:
        logit = np.stack((np.zeros_like(logit), logit), axis=1)
    return logit - np.logaddexp.reduce(logit, axis=1, keepdims=True)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("width", [5, 200])  # fewer features than rows, and more
def test_all_problems_at_once_reach_the_optima_of_one_after_the_other(classes, width):
    features, labels, fold = problem(classes=classes, width=width)
    fit = logistic.cross_fit(features, labels, fold, strengths=STRENGTHS)
    log_share, chosen = cross_fit_by_hand(features, labels, fold)
    assert fit.solved == 1.0
    assert fit.strength.tolist() == chosen
    np.testing.assert_allclose(log_softmax(fit.logit), log_share, atol=2e-4)  # both stop at a slope, not at a value


def test_the_slope_is_that_of_the_loss():
    features, labels, fold = problem(classes=3, rows=40, width=3)
    weight = np.stack([(fold != each) / (fold != each).sum() for each in (0, 1)], axis=1)
    problems = logistic.Problems(
        features=features,
        target=np.eye(3)[labels],
        row_weight=weight,
        mean=features.T @ weight,
        scale=np.full((3, 2), 0.5),
        penalty=np.array([0.1, 1.0]),
    )
    generator = np.random.default_rng(0)
    theta, step = generator.normal(size=(4, 2, 3)), 1e-6 * generator.normal(size=(4, 2, 3))
    rise = problems.loss(theta + step, problems.score(theta + step)) - problems.loss(theta - step, problems.score(theta - step))
    slope = problems.slope(theta, problems.score(theta))
    np.testing.assert_allclose(rise, 2 * np.einsum("dpk,dpk->p", slope, step), rtol=1e-4)


def test_the_test_fold_cannot_reach_its_own_penalty_or_prediction():
    features, labels, fold = problem()
    changed = np.where(fold == 2, 1 - labels, labels)
    before, after = (logistic.cross_fit(features, each, fold, strengths=STRENGTHS) for each in (labels, changed))
    np.testing.assert_allclose(after.logit[fold == 2], before.logit[fold == 2], atol=1e-4)
    assert after.strength[2] == before.strength[2]


def test_separable_classes_reach_their_optimum():
    features, labels, fold = problem()
    features[:, 0] = 10.0 * labels + 0.01 * features[:, 0]
    fit = logistic.cross_fit(features, labels, fold)
    assert fit.solved == 1.0
    assert ((fit.logit > 0) == labels).all()


def test_a_class_that_training_lacks_is_impossible():
    features, labels, fold = problem(classes=3)
    labels = np.where((labels == 2) & (fold != 0), 0, labels)  # class 2 lives in fold 0 only
    fit = logistic.cross_fit(features, labels, fold)
    assert np.isneginf(fit.logit[fold == 0, 2]).all()
    assert np.isfinite(fit.logit[fold != 0]).all()


def test_the_same_input_gives_the_same_bits():
    features, labels, fold = problem()
    first, second = (logistic.cross_fit(features, labels, fold).logit for _ in range(2))
    np.testing.assert_array_equal(first, second)
