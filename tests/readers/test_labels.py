import pytest

from wearfm.readers.labels import interpret


@pytest.mark.parametrize(
    ("label", "unit", "modality", "axis", "placement"),
    [
        ("EEG Fpz-Cz", "uV", "eeg", "", ""), ("C3-A2", "uV", "eeg", "", ""), ("Fp1", "uV", "eeg", "", ""),
        ("ECG I", "mV", "ecg", "", ""), ("MLII", "mV", "ecg", "", ""), ("V5", "mV", "ecg", "", ""), ("II", "mV", "ecg", "", ""),
        ("aVR", "mV", "ecg", "", ""), ("vx", "mV", "ecg", "", ""),
        ("EOG horizontal", "uV", "eog", "", ""), ("LOC", "uV", "eog", "", ""),
        ("EMG submental", "uV", "emg", "", ""), ("Chin 1", "uV", "emg", "", ""),
        ("PLETH", "NU", "ppg", "", ""), ("PPG_finger", "mV", "ppg", "", "finger"), ("BVP", "", "ppg", "", ""),
        ("SpO2", "%", "spo2", "", ""), ("SaO2", "percent", "spo2", "", ""), ("Resp oro-nasal", "", "resp", "", ""),
        ("Thorax", "mV", "resp", "", ""), ("RESP RATE", "brpm", "resp_rate", "", ""), ("HR", "bpm", "hr", "", ""),
        ("Pulse", "bpm", "hr", "", ""), ("Temp rectal", "DegC", "temp", "", ""), ("Skin temp", "degF", "temp", "", ""),
        ("ACC X", "g", "acc", "x", ""), ("acc_z wrist", "mg", "acc", "", "wrist"), ("Accel-Y", "m/s^2", "acc", "y", ""),
        ("Gyro x", "dps", "gyro", "x", ""), ("EDA", "uS", "eda", "", ""), ("GSR", "uS", "eda", "", ""),
        ("ABP", "mmHg", "pressure", "", ""), ("sensor 4", "degC", "temp", "", ""), ("x", "g", "acc", "x", ""),
        ("Event marker", "", "other", "", ""), ("Status", "", "other", "", ""), ("A1", "uV", "other", "", ""),
        ("ECG", "mmHg", "other", "", ""), ("EDA", "kOhm", "other", "", ""),
    ],
)  # fmt: skip
def test_labels_of_labs_and_devices(label: str, unit: str, modality: str, axis: str, placement: str) -> None:
    meaning = interpret(label, unit=unit)
    assert (meaning.modality, meaning.axis, meaning.placement) == (modality, axis, placement)


def test_a_transducer_helps_where_the_label_does_not() -> None:
    assert interpret("channel 7", unit="", hint="Oral-nasal thermistors").modality == "resp"


def test_what_is_given_up_is_said() -> None:
    assert interpret("PPG", unit="mV").note == "ppg has no absolute unit; values are in 'mV'"
    assert interpret("ECG", unit="mmHg").note == "unit 'mmHg' is not one of ecg; kept as 'other'"
    assert interpret("Event", unit="xyz").note == "modality not known; values are in 'xyz'"
    assert interpret("ECG", unit="mV").note == ""
