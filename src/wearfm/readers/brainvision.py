"""BrainVision: a header (`.vhdr`), a file of samples (`.eeg`) and a file of markers (`.vmrk`), samples unchanged.

BrainVision Core Data Format 1.0 and 2.0, as Brain Products amplifiers and many converters write it. Name the header or one of
the files that it names. Recognised by the first line of the header.

| in the file | in the recording |
|---|---|
| `INT_16`, `INT_32`, multiplexed or vectorised, either byte order | `int16`, `int32`, unchanged; the resolution is the scale |
| `IEEE_FLOAT_32` | `float32` |
| sampling interval in microseconds | `rate_hz` |
| name and unit of a channel | modality, as for `edf`; without a unit it is uV |
| date of the first `New Segment` | start, wall clock: local; without one, relative |
| a later `New Segment` with a date | a gap by the clock: samples that are not valid; without a date it follows the one before |
| other markers | events `annotation`: type and description, and a duration if it has one of more than one sample |

**Broken files.** A header field that is wrong is refused. A part of a frame at the end is dropped and counted; another number
of samples than the header's is noted. Markers that are malformed or lie beyond the samples are skipped with a note. File names
that leave the folder of the header are refused.

**Limits.** Samples as text (`DataFormat=ASCII`) are refused by name: export them as binary. Facts of the format: Brain
Products, BrainVision Core Data Format 1.0, 2019.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, Series, printable
from wearfm.readers.base import Bytes, Reader, load, peek, stem
from wearfm.readers.labels import given, interpret
from wearfm.readers.stamps import date_ns
from wearfm.signals.clock import FASTEST_HZ, check_growth
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans

_HEADER = re.compile(rb"(\xef\xbb\xbf)?Brain ?Vision (Data Exchange|Core Data Format) Header File", re.IGNORECASE)
_SECTION = re.compile(r"\[(.+?)\]\s*")
_MEMBERS = (".eeg", ".vmrk", ".dat", ".avg", ".seg")
_FORMATS = {"INT_16": "i2", "INT_32": "i4", "IEEE_FLOAT_32": "f4"}
_MOST_CHANNELS = 4096
_MOST_HEADER_BYTES = 2**22
_EARLIEST_NS, _LATEST_NS = 315_532_800 * SECOND, 4_102_444_800 * SECOND  # the years 1980 to 2100
_NEW_SEGMENT = "New Segment"


@dataclass(frozen=True, kw_only=True)
class Track:
    """One channel of the header. resolution: what a step is worth in `unit`."""

    label: str
    resolution: float
    unit: str


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the header says. num_frames: None if it does not say."""

    data_file: str
    marker_file: str
    rate_hz: float
    kind: np.dtype[Any]
    is_vectorised: bool
    tracks: tuple[Track, ...]
    num_frames: int | None


@dataclass(frozen=True, kw_only=True)
class Marker:
    """One marker. position: sample from 0. samples: how many it covers. start_ns: wall clock, None if it has no date."""

    kind: str
    text: str
    position: int
    samples: int
    start_ns: int | None


def read(path: Path, *, modalities: Mapping[str, str] | None = None) -> Iterator[Recording]:
    """Yield the recording of a header. modalities: label -> modality, where somebody knows better than the label."""
    header = _header(path)
    found = Assembly(path=path)
    frames, cut = _frames(path, header, found)
    markers = _markers(path, header, len(frames), found)
    firsts, start_ns = _segments(path, markers, header.rate_hz, len(frames), found)
    for place, track in enumerate(header.tracks):
        _add(found, header, track, frames[:, place], firsts, start_ns or 0, cut, (modalities or {}).get(track.label))
    _add_markers(found, markers, header.rate_hz, firsts, start_ns or 0)
    yield found.finish(
        participant=stem(path),
        name=stem(path),
        clock="relative" if start_ns is None else "local",
        source=f"brainvision: {path.name}",
    )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this is a BrainVision header."""
    return not path.is_dir() and _HEADER.match(head) is not None


def home(path: Path) -> Path:
    """Return the header beside a file that it names; any other path stands for itself."""
    beside = path.with_suffix(".vhdr")
    if path.suffix.lower() not in _MEMBERS or not beside.is_file() or not path.is_file():
        return path
    head = peek(beside)
    names = (re.escape(path.name.encode()), rb"\$b" + re.escape(path.suffix.encode()))
    is_named = re.search(rb"(?m)^\s*(Data|Marker)File\s*=\s*(" + b"|".join(names) + rb")\s*$", head) is not None
    return beside if _HEADER.match(head) and is_named else path


def _sections(data: Bytes) -> dict[str, dict[str, str]]:
    """Return section -> key -> value; what stands under [Comment] is free text and is left out."""
    raw = data[:_MOST_HEADER_BYTES].tobytes()
    is_utf = re.search(rb"(?im)^codepage\s*=\s*utf-?8", raw) is not None or raw.startswith(b"\xef\xbb\xbf")
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in raw.decode("utf-8-sig" if is_utf else "latin-1", errors="replace").splitlines():
        heading = _SECTION.fullmatch(line.strip())
        if heading:
            if heading[1].strip().lower() == "comment":
                break
            section = sections.setdefault(heading[1].strip().lower(), {})
        elif "=" in line and not line.lstrip().startswith(";"):
            key, _, value = line.partition("=")
            section[key.strip().lower()] = value.strip()
    return sections


def _header(path: Path) -> Header:
    sections = _sections(load(path))
    common, binary = sections.get("common infos", {}), sections.get("binary infos", {})
    form = binary.get("binaryformat", "INT_16").upper()
    if common.get("dataformat", "BINARY").upper() != "BINARY" or form not in _FORMATS:
        wanted = f"DataFormat {common.get('dataformat', 'BINARY')}, BinaryFormat {form}"
        raise BadRecording(path, 0, f"{wanted}; export the samples as binary {', '.join(_FORMATS)}")
    count = _number(path, common, "numberofchannels")
    interval_us = _number(path, common, "samplinginterval")
    if not (1 <= count <= _MOST_CHANNELS and count.is_integer()) or not 1e6 / FASTEST_HZ <= interval_us <= 1e9:
        raise BadRecording(path, 0, f"{count:g} channels every {interval_us:g} us; no amplifier records so")
    order = ">" if binary.get("usebigendianorder", "NO").upper() == "YES" else "<"
    points = common.get("datapoints", "")
    return Header(
        data_file=_member(path, common.get("datafile", "")),
        marker_file=_member(path, common["markerfile"]) if common.get("markerfile") else "",
        rate_hz=_rate(interval_us),
        kind=np.dtype(order + _FORMATS[form]),
        is_vectorised=common.get("dataorientation", "MULTIPLEXED").upper() == "VECTORIZED",
        tracks=_tracks(path, sections.get("channel infos", {}), int(count)),
        num_frames=int(points) if points.isdecimal() and len(points) < 19 else None,
    )


def _number(path: Path, common: Mapping[str, str], key: str) -> float:
    try:
        return float(common[key])
    except (KeyError, ValueError):
        raise BadRecording(path, 0, f"{key} is {common.get(key)!r}; it must be a number") from None


def _rate(interval_us: float) -> float:
    rate = 1e6 / interval_us
    return float(round(rate)) if abs(rate - round(rate)) < 1e-6 * rate else rate


def _member(path: Path, name: str) -> str:
    """Return the name of a file beside the header; $b stands for the header's own."""
    plain = name.replace("$b", path.stem)
    if not plain or Path(plain).name != plain or "\\" in plain or "\0" in plain:
        raise BadRecording(path, 0, f"the header names the file {name!r}; it must lie beside the header")
    return plain


def _tracks(path: Path, infos: Mapping[str, str], count: int) -> tuple[Track, ...]:
    tracks = []
    for number in range(1, count + 1):
        parts = [part.replace("\\1", ",").strip() for part in infos.get(f"ch{number}", "").split(",")]
        if not parts[0]:
            raise BadRecording(path, 0, f"no Ch{number} under [Channel Infos]; {count} channels are promised")
        _, _, resolution, unit = [*parts, "", "", ""][:4]
        try:
            scale = float(resolution or 1)
        except ValueError:
            scale = float("nan")
        if not 0 < abs(scale) < 1e12:
            raise BadRecording(path, 0, f"resolution of Ch{number} is {resolution!r}; it must be a number other than 0")
        tracks.append(Track(label=parts[0], resolution=scale, unit=unit or "uV"))
    return tuple(tracks)


def _frames(path: Path, header: Header, found: Assembly) -> tuple[NDArray[Any], int]:
    """Return the samples, (frames, channels), still on disk, and how many channels have one more in a part of a frame."""
    file = path.with_name(header.data_file)
    data = load(file)
    width, count = header.kind.itemsize, len(header.tracks)
    frames, rest = divmod(len(data), width * count)
    if frames == 0:
        raise BadRecording(file, len(data), f"no whole frame of {width * count} bytes")
    if header.num_frames is not None and header.num_frames != frames:
        found.note(f"the header promises {header.num_frames} samples a channel; the file holds {frames}")
    if rest:
        found.note(f"{rest} bytes after the last whole frame")
    values = np.asarray(data[: frames * width * count]).view(header.kind)
    return (values.reshape(count, frames).T if header.is_vectorised else values.reshape(frames, count)), rest // width


def _markers(path: Path, header: Header, num_frames: int, found: Assembly) -> list[Marker]:
    file = path.with_name(header.marker_file or path.name)
    if not header.marker_file or not file.is_file():
        found.note("no file of markers")
        return []
    infos = _sections(load(file)).get("marker infos", {})
    parsed = [_marker(value) for key, value in infos.items() if key.startswith("mk")]
    markers = [marker for marker in parsed if marker is not None and 0 <= marker.position < num_frames]
    if len(markers) < len(parsed):
        found.note(f"{len(parsed) - len(markers)} markers are malformed or lie beyond the samples; skipped")
    return sorted(markers, key=lambda marker: marker.position)


def _marker(value: str) -> Marker | None:
    parts = [part.replace("\\1", ",").strip() for part in value.split(",")]
    if len(parts) < 3 or not re.fullmatch(r"\d{1,15}", parts[2]):
        return None
    samples = int(parts[3]) if len(parts) > 3 and re.fullmatch(r"\d{1,15}", parts[3]) else 0
    start_ns = _date(parts[5]) if len(parts) > 5 else None
    return Marker(kind=parts[0], text=parts[1], position=int(parts[2]) - 1, samples=samples, start_ns=start_ns)


def _date(text: str) -> int | None:
    """Return a date as markers write it, YYYYMMDDhhmmssuuuuuu; None for one that is left out or is none of our time."""
    if not re.fullmatch(r"\d{20}", text):
        return None
    try:
        start_ns, _ = date_ns(text, "%Y%m%d%H%M%S%f")
    except BadConfiguration:
        return None
    return start_ns if _EARLIEST_NS <= start_ns < _LATEST_NS else None


def _segments(
    path: Path, markers: list[Marker], rate_hz: float, num_frames: int, found: Assembly
) -> tuple[NDArray[np.int64], int | None]:
    """Return (first frame, its place on the axis) of every segment, (N, 2), and the start of the recording."""
    segments = [marker for marker in markers if marker.kind == _NEW_SEGMENT]
    start_ns = segments[0].start_ns if segments and segments[0].position == 0 else None
    firsts, ahead = [(0, 0)], 0
    for segment in segments:
        if segment.position == 0:
            continue
        if start_ns is None or segment.start_ns is None:
            found.note(f"a new segment at sample {segment.position} has no date; taken to follow the one before")
            continue
        by_clock = round((segment.start_ns - start_ns) * rate_hz / SECOND) - segment.position
        ahead = max(ahead, by_clock)
        firsts.append((segment.position, segment.position + ahead))
    try:
        check_growth(num_frames + ahead, source=num_frames)
    except BadConfiguration as error:
        raise BadRecording(path, 0, str(error)) from error
    return np.array(firsts, dtype=np.int64), start_ns


def _lay(samples: NDArray[Any], firsts: NDArray[np.int64]) -> tuple[NDArray[Any], Spans | None]:
    """Return the samples of a channel on the axis of its segments."""
    ahead = int(firsts[-1, 1] - firsts[-1, 0])
    native = samples.astype(samples.dtype.newbyteorder("="))
    if ahead == 0:
        return native, None
    stops = np.append(firsts[1:, 0], len(native))
    laid = np.zeros(len(native) + ahead, dtype=native.dtype)
    bounds = [(place, place + stop - first) for (first, place), stop in zip(firsts.tolist(), stops.tolist(), strict=True)]
    for (start, stop), first in zip(bounds, firsts[:, 0].tolist(), strict=True):
        laid[start:stop] = native[first : first + stop - start]
    return laid, Spans.of(bounds)


def _add(
    found: Assembly, header: Header, track: Track, samples: NDArray[Any], firsts: NDArray[np.int64], start_ns: int, cut: int,
    modality: str | None,
) -> None:  # fmt: skip
    laid, present = _lay(samples, firsts)
    unit = printable(track.unit)
    meaning = given(modality, unit=unit) if modality else interpret(track.label, unit=unit)
    is_cut = header.tracks.index(track) < cut and not header.is_vectorised
    reason = "part of a frame at the end of the file"
    found.add(
        Series(
            label=track.label,
            meaning=meaning,
            samples=laid,
            rate_hz=header.rate_hz,
            start_ns=start_ns,
            scale=track.resolution,
            present=present,
            findings=(Finding(action="dropped", samples=1, reason=reason),) if is_cut else (),
        )
    )


def _add_markers(found: Assembly, markers: list[Marker], rate_hz: float, firsts: NDArray[np.int64], start_ns: int) -> None:
    step_ns = SECOND / rate_hz
    for marker in markers:
        if marker.kind == _NEW_SEGMENT:
            continue
        first, place = firsts[np.searchsorted(firsts[:, 0], marker.position, side="right") - 1]
        onset = start_ns + round(int(marker.position - first + place) * step_ns)
        duration = round(min(marker.samples, 10**9) * step_ns) if marker.samples > 1 else 0
        label = printable("/".join(part for part in (marker.kind, marker.text) if part))
        found.events.append(("annotation", onset, duration, label, float("nan")))


READER = Reader(
    name="brainvision",
    describes="BrainVision: a header with a file of samples and a file of markers",
    devices=("Brain Products amplifiers", "programs that export BrainVision"),
    clock="wall clock of an unknown zone, as the first segment writes it: local; without one, relative",
    suffixes=(".vhdr",),
    recognises=recognises,
    read=read,
    home=home,
)
