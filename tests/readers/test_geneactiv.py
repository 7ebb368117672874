from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_geneactiv import START, header, page, pages, samples, write_geneactiv
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import read
from wearfm.signals.recording import SECOND, Recording


def bare(folder: Path, *written: str, head: str | None = None) -> Recording:
    path = folder / "a.bin"
    path.write_bytes(((header() if head is None else head) + "".join(written)).encode())
    (recording,) = read(path)
    return recording


def test_a_missing_page_is_a_gap_and_codes_are_kept(tmp_path: Path) -> None:
    (recording,) = read(write_geneactiv(tmp_path))
    x, y, z = (recording.channel(f"acc {axis}") for axis in "xyz")
    assert (x.samples.dtype, x.rate_hz, x.placement) == (np.int16, 4.0, "wrist")
    assert x.valid.bounds.tolist() == [[0, 16], [24, 40]]
    assert x.samples[x.mask()].tolist() == [*range(16), *range(24, 40)]
    assert z.samples[39] == -39
    assert y.physical()[:2].tolist() == [1.0, 1.0]
    assert x.physical()[10] == pytest.approx((100 * 10 - 500) / 25_000)
    assert z.physical()[0] == pytest.approx(0.01)


def test_light_button_and_temperature(tmp_path: Path) -> None:
    (recording,) = read(write_geneactiv(tmp_path))
    light, temperature = recording.channel("light"), recording.channel("temp")
    assert light.physical()[:8].tolist() == [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0]
    assert (temperature.rate_hz, temperature.samples[:2].tolist()) == (0.5, [25.5, 25.5])
    assert temperature.valid.bounds.tolist() == [[0, 2], [3, 5]]
    assert [(kind, (t - recording.start_ns) / SECOND, label) for kind, t, _, label, _ in recording.events.rows()] == [
        ("tag", 2.75, "button")
    ]


def test_the_zone_makes_utc_and_without_it_time_is_local(tmp_path: Path) -> None:
    local_ns = int(START.timestamp()) * SECOND
    (recording,) = read(write_geneactiv(tmp_path))
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("utc", 3600, local_ns - 3600 * SECOND)
    recording = bare(tmp_path, *pages(), head=header(Time_Zone=""))
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("local", None, local_ns)


def test_only_codes_and_numbers_are_read_of_the_subject(tmp_path: Path) -> None:
    (recording,) = read(write_geneactiv(tmp_path))
    assert recording.participant == "TestSubject"
    assert recording.facts == {"sex": "female", "height_cm": 160.0}
    assert "Jane" not in repr(recording)
    assert "1900" not in repr(recording)
    assert bare(tmp_path, *pages(), head=header(Subject_Code="Jane Doe")).participant == "a"


def test_pages_are_counted_at_the_rate_that_they_show(tmp_path: Path) -> None:
    written = [page(n, samples(0), at_s=2.01 * n) for n in range(101)]
    recording = bare(tmp_path, *written, head=header(Number_of_Pages="101"))
    assert recording.channel("acc x").rate_hz == pytest.approx(8 / 2.01)
    assert recording.quality.notes == ("stamps run at 3.9801 Hz, nominal 4 Hz; the stamps were followed",)


@pytest.mark.parametrize(
    "broken",
    [
        pages()[1].replace("Page Time:2012-05", "Page Time:2012-13"),
        pages()[1].replace("Frequency:4.0", "Frequency:none"),
        pages()[1].replace("0080FA", "0080GA"),
        pages()[1].replace("Sequence Number:1", "Sequence Number:one"),
    ],
)
def test_a_page_that_cannot_be_read_is_dropped_and_counted(tmp_path: Path, broken: str) -> None:
    assert broken not in pages()
    written = pages()
    written[1] = broken
    recording = bare(tmp_path, *written)
    assert recording.channel("acc x").valid.bounds.tolist() == [[0, 8], [24, 40]]
    assert recording.quality.reasons()["dropped: page that cannot be read"] == 4 * 8


def test_a_page_of_another_frequency_is_dropped_and_counted(tmp_path: Path) -> None:
    written = pages()
    written[1] = page(1, samples(8), at_s=2.0, rate="8.0")
    assert bare(tmp_path, *written).quality.reasons()["dropped: page that cannot be read"] == 4 * 8


def test_a_file_that_is_cut_off_keeps_whole_samples(tmp_path: Path) -> None:
    recording = bare(tmp_path, "".join(pages())[:-20])
    assert recording.channel("acc x").valid.bounds.tolist() == [[0, 16], [24, 38]]
    assert "1 pages have another length than the rest" in recording.quality.notes


def test_a_wrong_number_of_pages_is_noted(tmp_path: Path) -> None:
    assert "the header promises 4 pages; the file has 3" in bare(tmp_path, *pages()[:3]).quality.notes


def test_a_header_without_calibration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match=r"no calibration of y \(gain above 0, and offset\)"):
        bare(tmp_path, *pages(), head=header(y_gain="0"))


def test_a_header_without_the_light_s_calibration_gives_no_light(tmp_path: Path) -> None:
    recording = bare(tmp_path, *pages(), head=header(Volts="0"))
    assert [channel.name for channel in recording.channels] == ["acc x", "acc y", "acc z", "temp"]
    assert "light is left out; the header does not tell Lux and Volts" in recording.quality.notes


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="no page with a date, a frequency and samples"):
        bare(tmp_path)


def by_hand(text: str) -> list[tuple[int, int, int, int]]:
    """x, y, z, light as the manual says, sample by sample."""
    found = []
    for line in text.splitlines():
        if len(line) == 3600:
            for at in range(0, 3600, 12):
                x, y, z, rest = (int(line[at + k : at + k + 3], 16) for k in (0, 3, 6, 9))
                found.append((*(value - 4096 if value > 2047 else value for value in (x, y, z)), rest >> 2))
    return found


@pytest.mark.real
def test_a_genuine_file_is_what_a_slow_loop_reads(data_folder: Path) -> None:
    path = data_folder / "raw_devices/geneactiv_generead/TESTfile.bin"
    (recording,) = read(path)
    channels = [recording.channel(name) for name in ("acc x", "acc y", "acc z", "light")]
    assert [tuple(row) for row in np.stack([c.samples for c in channels], axis=1).tolist()] == by_hand(path.read_text())
    magnitude = np.sqrt(sum(channel.physical() ** 2 for channel in channels[:3]))
    still = magnitude.reshape(-1, 300).std(axis=1) < 0.05
    assert still.any()
    assert abs(np.median(magnitude.reshape(-1, 300)[still]) - 1) < 0.05
    assert recording.start_ns == int((START - timedelta(hours=1)).timestamp()) * SECOND
    assert recording.channel("temp").physical()[:2].tolist() == pytest.approx([25.8, 25.5])
    assert recording.quality.notes == ()


@pytest.mark.real
def test_the_older_genea_is_not_taken_for_it(data_folder: Path) -> None:
    with pytest.raises(UnknownFormat):
        list(read(data_folder / "raw_devices/geneactiv_genea_movisens/genea_testfile.bin"))
