import pytest

from wearfm.readers.labels import electrode, interpret, numbered_electrodes


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


def bank(letter: str, size: int) -> list[str]:
    return [f"{letter}{number}" for number in range(1, size + 1)]


@pytest.mark.parametrize("size", [16, 32])
def test_whole_banks_number_the_electrodes_of_a_cap(size: int) -> None:
    labels = [*bank("A", size), *bank("B", size), *bank("C", 8)]
    assert numbered_electrodes([*labels, "EXG1", "Status"]) == frozenset(labels)
    assert numbered_electrodes(bank("A", size)) == frozenset(bank("A", size))


@pytest.mark.parametrize(
    "labels",
    [
        ["C3", "C4", "A1", "A2", "O1", "O2"],  # a sleep laboratory
        [*bank("A", 32), *bank("C", 32)],  # a letter left out
        [*bank("A", 12), *bank("B", 10)],  # contacts of depth electrodes
        [*bank("A", 16), *bank("B", 18)],  # the second longer than the first
        [*bank("A", 32)[1:], *bank("B", 32)],  # a number left out
        bank("V", 6),
    ],
)
def test_anything_else_keeps_its_names(labels: list[str]) -> None:
    assert numbered_electrodes(labels) == frozenset()


def test_a_numbered_electrode_is_eeg_if_its_unit_is_a_voltage() -> None:
    assert electrode("uV").note == "electrodes of a cap by number, not sites of the 10-20 system"
    assert (electrode("uV").modality, electrode("degC").modality) == ("eeg", "other")


@pytest.mark.parametrize(("label", "modality"), [("C11", "other"), ("F16", "other"), ("FT10", "eeg"), ("P10", "eeg")])
def test_no_site_has_a_number_beyond_ten(label: str, modality: str) -> None:
    assert interpret(label, unit="uV").modality == modality
