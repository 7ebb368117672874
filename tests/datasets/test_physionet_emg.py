from pathlib import Path

import pytest

from tests.datasets.tiny_waves import write_physionet_emg
from wearfm.datasets import physionet_emg


def test_a_muscle_is_a_person_with_a_disease(tmp_path: Path) -> None:
    write_physionet_emg(tmp_path)
    healthy, ill = physionet_emg.recordings(tmp_path)
    assert (healthy.participant, ill.participant) == ("physionet_emg:healthy", "physionet_emg:neuropathy")
    assert ill.facts == {"diagnosis": "neuropathy", "age_years": 62.0, "sex": "male"}
    (channel,) = healthy.channels
    assert (channel.modality, channel.placement) == ("emg", "tibialis anterior")
    assert channel.physical()[0] == pytest.approx(0.5)
