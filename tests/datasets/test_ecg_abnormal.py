from pathlib import Path

from tests.datasets.tiny_waves import write_ecg_abnormal
from wearfm.datasets import ecg_abnormal


def test_the_reason_for_admission_is_the_diagnosis(tmp_path: Path) -> None:
    write_ecg_abnormal(tmp_path)
    ill, healthy, unknown = ecg_abnormal.recordings(tmp_path)
    assert (ill.participant, ill.name, ill.clock) == ("ecg_abnormal:001", "s0010_re", "relative")
    assert ill.facts == {
        "age_years": 81.0,
        "sex": "female",
        "diagnosis": "myocardial infarction",
        "infarction": "infero-lateral",
    }
    assert healthy.facts == {"age_years": 58.0, "sex": "male", "diagnosis": "healthy control"}
    assert unknown.facts == {"sex": "male"}


def test_leads_of_frank_are_leads_in_millivolt(tmp_path: Path) -> None:
    write_ecg_abnormal(tmp_path)
    one, *_ = ecg_abnormal.recordings(tmp_path)
    assert [(channel.modality, channel.placement, channel.physical()[0]) for channel in one.channels] == [
        ("ecg", "lead i", 0.5),
        ("ecg", "lead vx", 0.5),
    ]
    assert (one.duration_s, one.channels[0].rate_hz) == (3.0, 1000.0)
