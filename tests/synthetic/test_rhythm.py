from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch

from wearfm.synthetic.day import EXERCISE, REST, SLEEP, STRESS
from wearfm.synthetic.rhythm import make_beats


def calm(person, **changes):
    return replace(person, af_burden=0.0, premature_per_hour=0.0, **changes)


def rmssd_ms(beats) -> float:
    return float(1000 * np.sqrt(np.mean(np.diff(beats.rr_s) ** 2)))


def test_beats_cover_the_session_in_order(person, spend):
    _, body, config = spend(REST, hours=0.2)
    beats = make_beats(person, body, np.random.default_rng(0))
    assert beats.times_s[0] < 0 < config.session_s < beats.times_s[-1]
    assert beats.rr_s.min() >= 0.27
    assert np.allclose(np.diff(beats.times_s), beats.rr_s[1:])


@pytest.mark.parametrize(("rmssd", "rate"), [(18.0, 80.0), (30.0, 65.0), (55.0, 55.0)])
def test_rest_has_the_variability_and_rate_of_the_person(person, spend, rmssd, rate):
    who = calm(person, rmssd_ms=rmssd, resting_hr_per_min=rate)
    _, body, _ = spend(REST, hours=2.0, who=who)
    beats = make_beats(who, body, np.random.default_rng(1))
    assert rmssd_ms(beats) == pytest.approx(rmssd, rel=0.15)
    assert 60 / beats.rr_s.mean() == pytest.approx(rate, abs=3.0)


def test_the_spectrum_has_a_low_and_a_respiratory_peak(person, spend):
    who = calm(person, breaths_per_min=15.0)
    _, body, _ = spend(REST, hours=2.0, who=who)
    beats = make_beats(who, body, np.random.default_rng(2))
    even = np.arange(0, 7200, 0.25)
    frequency, power = welch(np.interp(even, beats.times_s, beats.rr_s), 4.0, nperseg=1024)
    high = (frequency > 0.17) & (frequency < 0.4)
    low = (frequency > 0.07) & (frequency < 0.14)
    assert frequency[high][np.argmax(power[high])] == pytest.approx(0.25, abs=0.03)
    assert power[low].max() > 3 * power[(frequency > 0.15) & (frequency < 0.18)].mean()
    ratio = power[(frequency >= 0.04) & (frequency < 0.15)].sum() / power[(frequency >= 0.15) & (frequency < 0.4)].sum()
    assert 0.8 < ratio < 3.5


def test_stress_and_exercise_raise_the_rate_and_sleep_lowers_it(person, spend):
    who = calm(person)
    rates = {}
    for activity, effort in [(SLEEP, 0.0), (REST, 0.0), (STRESS, 0.0), (EXERCISE, 0.7)]:
        _, body, _ = spend(activity, who=who, effort=effort)
        rates[activity] = 60 / make_beats(who, body, np.random.default_rng(3)).rr_s.mean()
    assert rates[SLEEP] + 5 < rates[REST] < rates[STRESS] - 5 < rates[EXERCISE] - 30
    assert rates[EXERCISE] < who.max_hr_per_min


def test_fibrillation_is_irregular_and_white(person, spend):
    who = replace(person, af_burden=0.5, premature_per_hour=0.0)
    _, body, _ = spend(REST, hours=8.0, who=who)
    beats = make_beats(who, body, np.random.default_rng(4))
    inside = beats.is_af & np.concatenate(([False], beats.is_af[:-1]))
    af, sinus = beats.rr_s[inside], beats.rr_s[~beats.is_af]
    assert min(len(af), len(sinus)) > 2000
    assert af.std() / af.mean() == pytest.approx(0.25, abs=0.05)
    assert af.std() / af.mean() > 2 * sinus.std() / sinus.mean()
    assert abs(np.corrcoef(af[:-1], af[1:])[0, 1]) < 0.15
    assert af.mean() < sinus.mean()


def test_fibrillation_fills_its_burden_over_many_sessions(person, spend):
    who = replace(person, af_burden=0.3)
    _, body, config = spend(REST, hours=2.0, who=who)
    spans = [make_beats(who, body, np.random.default_rng(i)).af_spans for i in range(60)]
    share = np.mean([np.diff(np.clip(span, 0, config.session_s)).sum() / config.session_s for span in spans])
    assert share == pytest.approx(0.3, abs=0.12)


def test_premature_beats_come_early_and_are_labelled(person, spend):
    who = replace(person, af_burden=0.0, premature_per_hour=60.0)
    _, body, _ = spend(REST, hours=2.0, who=who)
    beats = make_beats(who, body, np.random.default_rng(5))
    premature = beats.kind == 1
    assert premature.sum() == pytest.approx(120, abs=40)
    assert beats.rr_s[premature].mean() < 0.8 * beats.rr_s[~premature].mean()
