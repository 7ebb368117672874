"""Every genuine device file at hand goes into one store: what each gave, why the others did not, and values that are known."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wearfm.preparation import PreparationSummary, prepare
from wearfm.signals.peaks import find_pulse_peaks
from wearfm.signals.recording import Channel, Recording
from wearfm.store import Store

pytestmark = [pytest.mark.real, pytest.mark.slow]

ACC = {f"accel[:, {place}]": {"modality": "acc", "unit": "g", "axis": axis} for place, axis in enumerate("xyz")}
MAPPINGS: dict[str, dict[str, Any]] = {  # rates as heartpy's and scikit-digital-health's documentation gives them
    "heartpy/data.csv": {"header": False, "rate_hz": 100, "channels": {"0": {"modality": "ppg"}}},
    "heartpy/data2.csv": {"time": {"column": "timer", "unit": "ms"}, "channels": {"hr": {"modality": "ppg"}}},
    "heartpy/data3.csv.gz": {"time": {"column": "datetime", "unit": "iso"}, "channels": {"hr": {"modality": "ppg"}}},
    "skdh_gait/gait_input.npz": {"time": {"column": "time", "unit": "s"}, "channels": ACC},
    "skdh_gait/s2s_input_data.npz": {"time": {"column": "time", "unit": "s"}, "channels": ACC},
}
NOT_RECORDINGS = {  # licences, a route, and two formats whose layout is not public
    "apple_health/route_2019-06-11_3.00pm.gpx", "biobss_samples/ppg_sample_data_long.csv",
    "geneactiv_genea_movisens/genea_testfile.bin", "nilspod_ecg/ecg_sample_Vp02.bin",
}  # fmt: skip
REFUSED = {  # path -> what the reason says
    "biobss_samples/acc_sample_data.csv": "needs a mapping",
    "biobss_samples/ecg_sample_data.csv.gz": "needs a mapping",
    "biobss_samples/ppg_sample_data.csv.gz": "needs a mapping",
    "fit/DeveloperData.fit": "nothing measured at a time",
    "fit/Settings2.fit": "nothing measured at a time",
    "fit/WorkoutIndividualSteps.fit": "nothing measured at a time",
    "fit/WorkoutRepeatSteps.fit": "nothing measured at a time",
    "heartpy/data.log": "needs a mapping",
    "heartpy/data2.log": "needs a mapping",
    "shimmer_devicely/read_test_data.csv": "with other content; give it another name",  # as muse_devicely/read_test_data.csv
    "timestamp_devicely/tags.csv": "needs a mapping",
}
FORMATS = {
    "actigraph_gt3x": {"gt3x", "actilife"}, "actiwatch": {"actiwatch"}, "apple_health": {"apple_health"},
    "axivity_ggirread": {"cwa"}, "edf_bdf": {"edf"}, "edf_bdf_edfio": {"edf"}, "empatica_e4_devicely": {"empatica"},
    "empatica_e4_flirt": {"empatica"}, "faros_devicely": {"faros"}, "fit": {"fit"}, "garmin_flirt": {"garmin_live"},
    "geneactiv_generead": {"geneactiv"}, "heartpy": {"csv"}, "matrix_parmay": {"matrix"}, "muse_devicely": {"muse"},
    "polar_verity_biobss": {"polar"}, "pyactigraphy": {"actiwatch", "agd", "condor"},
    "skdh_gait": {"numpy"}, "wfdb": {"wfdb", "edf"}, "withings_sleep": {"withings"},
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, data_folder: Path) -> tuple[Store, PreparationSummary]:
    """All of them in one store."""
    folder = tmp_path_factory.mktemp("devices")
    for name, mapping in MAPPINGS.items():
        path = folder / "mappings" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(mapping))
    raw, mappings = data_folder / "raw_devices", folder / "mappings"
    summary = prepare([raw], folder / "store", workers=1, mappings=mappings)
    return Store.open(folder / "store"), summary


def recordings(store: Store, *participants: str) -> Iterator[Recording]:
    found = [store.read(row.id) for row in store.recordings() if row.participant in participants]
    assert {one.participant for one in found} == set(participants)
    yield from found


def test_every_genuine_file_is_taken_or_refused_with_its_reason(prepared: tuple[Store, PreparationSummary]) -> None:
    _, summary = prepared
    fates = {fate.source: fate for fate in summary.sources}
    licences = {name for name in fates if name.endswith("_SOURCE_LICENSE")}
    refused = {name: fate.reason for name, fate in fates.items() if fate.outcome == "refused"}
    assert set(refused) == set(REFUSED) | NOT_RECORDINGS | licences
    for name, reason in REFUSED.items():
        assert reason in refused[name], name
    taken: dict[str, set[str]] = {}
    for name, fate in fates.items():
        if fate.outcome == "prepared":
            taken.setdefault(name.partition("/")[0], set()).add(fate.format)
            assert fate.tally.recordings >= 1, name
    assert taken == FORMATS


def test_acceleration_at_rest_is_one_g_whatever_the_device(prepared: tuple[Store, PreparationSummary]) -> None:
    store, _ = prepared
    lengths = {}
    for row in store.recordings():
        one = store.read(row.id)
        axes = [channel for channel in one.channels if channel.modality == "acc" and channel.axis][:3]
        if len(axes) == 3 and one.name.partition("/")[0] != "mne_test":
            known = np.logical_and.reduce([channel.mask() for channel in axes])
            size = np.sqrt(sum(channel.physical() ** 2 for channel in axes))[known]
            lengths[f"{row.participant} {row.name}"] = float(np.median(size))
    assert len(lengths) >= 12
    assert all(0.9 < length < 1.1 for length in lengths.values()), lengths


def _pulse_rate(channel: Channel) -> float:
    beats = find_pulse_peaks(channel.physical()[None], channel.mask()[None], rate_hz=channel.rate_hz)
    return float(60 * channel.rate_hz / np.median(np.diff(beats.sample)))


def _main_frequency(channel: Channel) -> float:
    """The strongest line between 0.7 and 2 Hz, per minute: another way to a heart rate."""
    values = channel.physical() - channel.physical().mean()
    power = np.abs(np.fft.rfft(values * np.hanning(len(values)))) ** 2
    hertz = np.fft.rfftfreq(len(values), 1 / channel.rate_hz)
    inside = (hertz > 0.7) & (hertz < 2.0)
    return float(60 * hertz[inside][power[inside].argmax()])


def test_the_pulse_of_polars_light_is_the_rate_that_the_device_says(prepared: tuple[Store, PreparationSummary]) -> None:
    (one,) = recordings(prepared[0], "polar_verity_biobss")
    said = float(np.median(one.events.of_kind("hr").value))
    intervals = float(60 / np.median(one.events.of_kind("ibi").value))
    lights = [_pulse_rate(channel) for channel in one.channels if channel.modality == "ppg"]
    assert len(lights) == 3
    assert all(abs(rate - said) < 2 and abs(rate - intervals) < 2 for rate in lights)


def test_beats_and_rates_of_a_garmin_agree(prepared: tuple[Store, PreparationSummary]) -> None:
    (one,) = recordings(prepared[0], "garmin_flirt")
    assert abs(60 / np.median(one.events.of_kind("ibi").value) - np.median(one.events.of_kind("hr").value)) < 3


def test_pulses_of_tables_have_the_frequency_that_their_spectrum_has(prepared: tuple[Store, PreparationSummary]) -> None:
    found = recordings(prepared[0], "data", "data2", "data3")
    rates = {one.name: (_pulse_rate(one.channels[0]), _main_frequency(one.channels[0])) for one in found}
    assert all(abs(beats / line - 1) < 0.1 for beats, line in rates.values()), rates
