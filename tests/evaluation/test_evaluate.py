from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.cohort import AGE, ILLNESS, STATE, informative, make_store, make_table, noise
from wearfm.errors import BadConfiguration, LeakyScheme, UnknownName
from wearfm.evaluation import evaluate
from wearfm.evaluation.labels import fact, fact_in
from wearfm.windows.split import pseudonym

NUMBER = 36


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("cohort") / "store", number=NUMBER)


@pytest.fixture(scope="module")
def tables():
    return {
        "knows": make_table(informative(NUMBER, noise=0.5), number=NUMBER),
        "guesses": make_table(noise(NUMBER), number=NUMBER, recipe="guesses"),
    }


def judge(tables, tasks, store, **settings):
    return evaluate(tables, tasks, store=store, **{"bootstrap": 200, "few_shot": 0, **settings})


def test_a_model_that_knows_beats_all_that_do_not(store, tables):
    report = judge(tables, [ILLNESS, AGE, STATE], store)
    for result in report.results:
        assert not result.losses
        assert result.verdict.startswith("Beats ")
        assert result.scores[0].model == "knows"
    names = [[score.model for score in result.scores] for result in report.results]
    assert names == [["knows", "guesses", "demographics", "training mean"]] * 2 + [["knows", "guesses", "training mean"]]


def test_a_model_that_guesses_is_said_not_to_beat_the_mean(store, tables):
    report = judge({"guesses": tables["guesses"]}, [ILLNESS, AGE], store)
    for result in report.results:
        assert "training mean" in [each.against for each in result.losses]
        assert result.verdict.startswith(("Does not beat", "Is worse than"))


def test_the_same_input_gives_the_same_findings_and_another_seed_others(store, tables):
    first, again, other = (judge(tables, [ILLNESS, AGE], store, seed=seed) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_every_task_says_how_many_it_judged(store, tables):
    result = judge(tables, [replace(STATE, classes=("rest", "walk"))], store).results[0]
    assert (result.participants, result.rows, result.counts) == (NUMBER, NUMBER * 4, {"rest": 72, "walk": 72})
    assert result.dropped == {"label not asked for": 72}


def test_few_people_are_dealt_often(store, tables):
    result = judge(tables, [ILLNESS], store).results[0]
    assert (result.folds, result.repeats) == (5, 6)
    assert len(result.scores[0].strength) == 5


def test_ids_with_the_same_raw_data_are_judged_as_one_person(tmp_path):
    twins = make_store(tmp_path / "store", number=20, twins=4)
    report = judge(make_table(informative(20), number=20), [ILLNESS], twins)
    assert report.results[0].participants == 16
    assert report.cohort.joined[0] == ("p016", "p000")


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (replace(ILLNESS, min_participants=50), "36 participants have a label; at least 50 are needed"),
        (
            replace(ILLNESS, label=fact_in("ill", {"yes": "ill"})),
            "class 'well' occurs in 0 participants; at least 2 are needed",
        ),
        (replace(AGE, label=lambda rows, _: np.full(len(rows), 7.0)), "the label is the same for everybody"),
        (replace(AGE, label=fact("height_cm")), "0 participants have a label; at least 6 are needed"),
        (replace(STATE, label=fact_in("ill", {"yes": "rest"})), "fewer than two classes occur in two or more participants"),
    ],
)
def test_a_task_that_cannot_be_answered_says_why(store, tables, task, reason):
    report = judge(tables, [task], store)
    assert report.results[0].unanswered == reason
    assert reason in report.summary()


def test_a_class_of_one_person_is_left_out(store, tables):
    def one_dances(rows, truth):
        return np.where(rows.participant == "p000", "dance", STATE.label(rows, truth))

    result = judge(tables, [replace(STATE, label=one_dances, classes=("rest", "walk", "run", "dance"))], store).results[0]
    assert result.counts == {"rest": 70, "walk": 70, "run": 70}
    assert result.dropped == {"class of a single person": 6}


def test_two_classes_left_of_many_are_still_judged(store, tables):
    result = judge(tables, [replace(STATE, classes=("rest", "walk", "sleep"))], store).results[0]
    assert result.scores[0].interval.value > 0.8


def test_a_label_among_the_features_stops_the_evaluation(store, tables):
    leaking = tables["knows"].vector.copy()
    leaking[:, 7] = np.repeat(np.arange(NUMBER) % 2, 6)
    with pytest.raises(LeakyScheme, match="feature 7 of 'leaks' is the label itself"):
        judge({"leaks": make_table(leaking, number=NUMBER)}, [ILLNESS], store)


def test_a_label_among_the_demographics_stops_the_evaluation(store, tables):
    with pytest.raises(LeakyScheme, match="of 'demographics' is the label itself"):
        judge(tables, [replace(ILLNESS, demographics=("ill",))], store)


def test_people_who_are_not_in_the_store_stop_the_evaluation(store):
    with pytest.raises(LeakyScheme, match="are not in the store"):
        judge(make_table(noise(NUMBER + 1), number=NUMBER + 1), [ILLNESS], store)


def test_a_collapsed_table_is_reported(store):
    flat = make_table(np.ones((NUMBER * 6, 8)), number=NUMBER)
    report = judge({"flat": flat}, [ILLNESS], store)
    assert not report.checks[0].passed
    assert "collapsed" in report.summary()
    assert report.results[0].scores[0].interval.value == pytest.approx(0.5)


def test_a_table_of_an_older_store_is_reported(store):
    old = make_table(noise(NUMBER), number=NUMBER, fingerprint="of another day")
    checks = {check.name: check for check in judge({"old": old}, [ILLNESS], store).checks}
    assert not checks["tables and store agree"].passed


def test_progress_is_told_and_ends(store, tables):
    calls = []
    judge(tables, [ILLNESS, AGE], store, progress=lambda done, total, what: calls.append((done, total, what)))
    assert calls == [(0, 2, "toy_illness"), (1, 2, "toy_age"), (2, 2, "report")]


@pytest.mark.parametrize("probe", ["ridge", "knn", "normwear"])
def test_other_probes_answer_too(store, tables, probe):
    assert judge(tables, [ILLNESS], store, probe=probe).results[0].scores[0].interval.value > 0.8


def test_settings_that_cannot_work_are_refused(store, tables):
    with pytest.raises(UnknownName, match="probe 'liner' is not known; did you mean 'linear'"):
        judge(tables, [ILLNESS], store, probe="liner")
    with pytest.raises(BadConfiguration, match="folds=2"):
        judge(tables, [ILLNESS], store, folds=2)
    with pytest.raises(BadConfiguration, match="each name once"):
        judge(tables, [ILLNESS, ILLNESS], store)
    with pytest.raises(BadConfiguration, match="no name of our own baselines"):
        judge({"training mean": tables["knows"]}, [ILLNESS], store)


def seen_by(table, names):
    """The table as if its weights had been trained on these people."""
    return replace(table, header=replace(table.header, seen=tuple(pseudonym(name) for name in names)))


def test_people_that_pretraining_has_seen_teach_and_are_not_judged(store, tables):
    known = {f"p{place:03d}" for place in range(20)}
    report = judge({"knows": seen_by(tables["knows"], known)}, [ILLNESS, AGE, STATE], store)
    for result in report.results:
        assert (result.participants, result.teachers) == (NUMBER - 20, 20)
        check = next(each for each in result.checks if each.name == "people new to the weights")
        assert check.passed
        assert "none of the 16 judged people; 20 whom it has seen only teach" in check.text
        assert not result.losses


def test_what_a_seen_person_would_score_does_not_count(store, tables):
    """Vectors of seen people that say nothing leave the figures of the others as they would be with fewer teachers."""
    known = [f"p{place:03d}" for place in range(12)]
    table = tables["knows"]
    spoiled = replace(
        table, vector=np.where(np.isin(table.participant, known)[:, None], noise(NUMBER), table.vector).astype(np.float32)
    )
    honest, misleading = (
        judge({"knows": seen_by(each, known)}, [AGE], store).results[0].scores[0].interval.value for each in (table, spoiled)
    )
    assert misleading < 3 * honest  # years; were they judged, the error would be that of a guess


def test_if_pretraining_has_seen_everybody_the_report_says_so(store, tables):
    everybody = {f"p{place:03d}" for place in range(NUMBER)}
    result = judge({"knows": seen_by(tables["knows"], everybody)}, [ILLNESS], store).results[0]
    assert (result.participants, result.teachers) == (NUMBER, 0)
    check = next(each for each in result.checks if each.name == "people new to the weights")
    assert not check.passed
    assert "36 of 36 judged people were in pretraining" in check.text


def test_the_split_is_kept_with_the_result(store, tables):
    known = [f"p{place:03d}" for place in range(12)]
    result = judge({"knows": seen_by(tables["knows"], known)}, [ILLNESS], store).results[0]
    assert len(result.split) == NUMBER
    assert {result.split[pseudonym(name)] for name in known} == {(result.folds,) * result.repeats}
    tested = np.array([folds for folds in result.split.values() if folds[0] < result.folds])
    assert tested.shape == (NUMBER - 12, result.repeats)
    assert all(np.bincount(deal, minlength=result.folds).min() >= 4 for deal in tested.T)
