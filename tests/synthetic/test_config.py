import pytest

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.synthetic import CohortConfig


def test_an_unknown_modality_is_named_with_its_neighbour():
    with pytest.raises(UnknownName, match="simulated modality 'ecgg' is not known; did you mean 'ecg'"):
        CohortConfig(modalities=("ecgg",))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_participants": 0}, "num_participants 0 must be from 1"),
        ({"session_hours": 0.0}, "session_hours 0.0 must be from"),
        ({"ppg_wavelengths": 5}, "ppg_wavelengths 5 must be from 1 to 4"),
        ({"ecg_hz": float("nan")}, "ecg_hz nan must be from"),
        ({"youngest_years": 60.0, "oldest_years": 50.0}, "oldest_years 50.0 must be from 60 to 90"),
        ({"missingness": -1.0}, "missingness -1.0 must be from 0 to 10"),
    ],
)
def test_an_impossible_setting_is_refused_with_its_rule(change, message):
    with pytest.raises(BadConfiguration, match=message):
        CohortConfig(**change)


def test_lengths_follow_hours_and_rates():
    config = CohortConfig(session_hours=0.5, ppg_hz=50.0)
    assert config.length("ppg") == 90_000
    assert config.rate_hz("ecg") == 128.0
