import numpy as np
import pytest
import scipy.stats
from sklearn import metrics as reference

from wearfm.errors import UnknownName
from wearfm.evaluation.metrics import METRICS, Outcome, calibrate, score

GENERATOR = np.random.default_rng(0)
POSITIVE = (GENERATOR.random(60) < 0.4).astype(np.int64)
CHANCES = np.round(np.clip(0.3 * POSITIVE + GENERATOR.normal(0.4, 0.2, 60), 0, 1), 1)  # rounded: many ties
NUMBERS = GENERATOR.normal(50, 10, 60)
GUESSES = NUMBERS + GENERATOR.normal(0, 8, 60)
CLASSES = GENERATOR.integers(0, 3, 60)
SHARES = GENERATOR.dirichlet((1, 1, 1), 60) * 0.6 + 0.4 * np.eye(3)[CLASSES]
PERSON = np.repeat(np.arange(12), 5)


def auroc_by_hand(positive, chances):
    won = [1.0 if a > b else 0.5 if a == b else 0.0 for a in chances[positive == 1] for b in chances[positive == 0]]
    return sum(won) / len(won)


def precision_by_hand(positive, chances):
    area, recalled = 0.0, 0.0
    for cut in sorted(set(chances.tolist()), reverse=True):
        shown = chances >= cut
        recall = positive[shown].sum() / positive.sum()
        area += (recall - recalled) * positive[shown].mean()
        recalled = recall
    return area


def test_auroc_is_the_share_of_pairs_won():
    assert score("auroc", POSITIVE, CHANCES) == pytest.approx(auroc_by_hand(POSITIVE, CHANCES))
    assert score("auroc", POSITIVE, CHANCES) == pytest.approx(reference.roc_auc_score(POSITIVE, CHANCES))


def test_average_precision_is_the_stepwise_area():
    assert score("average_precision", POSITIVE, CHANCES) == pytest.approx(precision_by_hand(POSITIVE, CHANCES))
    assert score("average_precision", POSITIVE, CHANCES) == pytest.approx(reference.average_precision_score(POSITIVE, CHANCES))


def test_one_vs_one_auroc_is_the_mean_over_pairs_of_classes():
    expected = reference.roc_auc_score(CLASSES, SHARES, multi_class="ovo", average="macro")
    assert score("auroc_ovo", CLASSES, SHARES) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("accuracy", reference.accuracy_score),
        ("balanced_accuracy", reference.balanced_accuracy_score),
        ("f1_macro", lambda y, p: reference.f1_score(y, p, average="macro")),
    ],
)
def test_metrics_of_decisions_agree_with_scikit_learn(name, twin):
    assert score(name, CLASSES, SHARES) == pytest.approx(twin(CLASSES, SHARES.argmax(axis=1)))
    assert score(name, POSITIVE, CHANCES) == pytest.approx(twin(POSITIVE, (CHANCES >= 0.5).astype(int)))


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("mae", reference.mean_absolute_error),
        ("rmse", reference.root_mean_squared_error),
        ("r2", reference.r2_score),
        ("pearson", lambda y, p: scipy.stats.pearsonr(y, p).statistic),
        ("spearman", lambda y, p: scipy.stats.spearmanr(y, p).statistic),
        ("relative_accuracy", lambda y, p: 1 - np.mean(np.abs(np.log1p(y) - np.log1p(p)) / np.log1p(y))),
    ],
)
def test_metrics_of_numbers_agree_with_their_formulas(name, twin):
    assert score(name, NUMBERS, GUESSES) == pytest.approx(twin(NUMBERS, GUESSES))


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_resample_is_the_metric_of_the_repeated_rows(name):
    labels, prediction = {"binary": (POSITIVE, CHANCES), "multiclass": (CLASSES, SHARES), "regression": (NUMBERS, GUESSES)}[
        METRICS[name].kinds[0]
    ]
    outcome = Outcome(labels=labels, prediction=prediction, person=PERSON, fold=PERSON * 0, persons=12)
    counts = np.random.default_rng(1).multinomial(12, np.full(12, 1 / 12), size=8)
    resampled = METRICS[name].resampled(outcome, counts.astype(float))
    for value, count in zip(resampled, counts, strict=True):
        rows = np.repeat(np.arange(60), count[PERSON])
        assert value == pytest.approx(score(name, labels[rows], prediction[rows]), abs=1e-9)


@pytest.mark.parametrize("name", ["auroc", "auroc_ovo", "average_precision", "pearson", "spearman"])
def test_rank_metrics_compare_only_within_folds(name):
    labels, prediction = {"binary": (POSITIVE, CHANCES), "multiclass": (CLASSES, SHARES), "regression": (NUMBERS, GUESSES)}[
        METRICS[name].kinds[0]
    ]
    fold = PERSON % 3
    shifted = prediction + 10.0 * (fold if prediction.ndim == 1 else fold[:, None])
    before = Outcome(labels=labels, prediction=prediction, person=PERSON, fold=fold, persons=12)
    after = Outcome(labels=labels, prediction=shifted, person=PERSON, fold=fold, persons=12)
    assert METRICS[name](after) == pytest.approx(METRICS[name](before))
    assert METRICS[name](after) != pytest.approx(score(name, labels, shifted))


def test_a_constant_prediction_is_chance_even_if_folds_differ():
    fold = PERSON % 3
    outcome = Outcome(labels=POSITIVE, prediction=np.array([0.2, 0.5, 0.9])[fold], person=PERSON, fold=fold, persons=12)
    assert METRICS["auroc"](outcome) == 0.5
    numbers = Outcome(labels=NUMBERS, prediction=fold.astype(float), person=PERSON, fold=fold, persons=12)
    assert METRICS["pearson"](numbers) == 0.0


def test_the_matrix_of_pairs_and_the_weights_of_rows_agree():
    from wearfm.evaluation import ranking

    counts = np.random.default_rng(2).multinomial(12, np.full(12, 1 / 12), size=5).astype(float)
    by_person = ranking._by_person(POSITIVE == 1, CHANCES, PERSON, counts)
    by_row = ranking._by_row(POSITIVE == 1, CHANCES, PERSON, counts)
    np.testing.assert_allclose(by_person, by_row)


def test_metrics_without_both_classes_are_undefined():
    assert np.isnan(score("auroc", np.ones(4), np.arange(4.0)))
    assert np.isnan(score("r2", np.ones(4), np.arange(4.0)))


def test_calibration_error_is_the_mean_gap_of_the_bins():
    labels = np.array([0, 0, 1, 1])
    result = calibrate(labels, np.array([0.1, 0.1, 0.9, 0.5]), bins=2)
    assert result.predicted == pytest.approx((0.1, 0.7))
    assert result.observed == pytest.approx((0.0, 1.0))
    assert result.count == (2, 2)
    assert result.error == pytest.approx(0.5 * 0.1 + 0.5 * 0.3)


def test_an_unknown_metric_is_refused():
    with pytest.raises(UnknownName, match="metric 'aurok' is not known; did you mean 'auroc'"):
        score("aurok", POSITIVE, CHANCES)
