"""Signal files of a WFDB record: from the lines of the header to integer tracks, verified against its checksums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly
from wearfm.readers.base import Bytes, load
from wearfm.readers.wfdb_header import RecordHeader, SignalLine
from wearfm.readers.wfdb_samples import PACKINGS, Integers, Packing
from wearfm.signals.quality_record import Finding
from wearfm.signals.spans import Spans

_NULL = 0  # the format of a signal that has no samples


@dataclass(frozen=True, kw_only=True, eq=False)
class Laid:
    """A track on one axis. missing: (T,) samples with the value that says "not measured", None if there are none."""

    samples: NDArray[np.generic]
    scale: float
    offset: float
    present: Spans
    missing: NDArray[np.bool_] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """One signal of a record, in parts: one for each segment that has it.

    frame: samples per frame. starts: first sample of each part on the axis of the record. parts: integers. gains,
    baselines, missing: of each part; physical = (sample - baseline) / gain.
    """

    label: str
    unit: str
    frame: int
    skew: int
    starts: tuple[int, ...]
    parts: tuple[Integers, ...]
    gains: tuple[float, ...]
    baselines: tuple[int, ...]
    missing: tuple[int, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def num_frames(self) -> int:
        """Frames in the last part."""
        return len(self.parts[-1]) // self.frame

    def extended(self, path: Path, other: Track) -> Track:
        """Return this track with a later part."""
        if other.frame != self.frame:
            reason = f"{self.label!r} has {self.frame} samples per frame in one segment and {other.frame} in another"
            raise BadRecording(path, 0, reason)
        together = {
            name: getattr(self, name) + getattr(other, name)
            for name in ("starts", "parts", "gains", "baselines", "missing", "findings")
        }
        return replace(self, **together)

    def lay(self, length: int) -> Laid:
        """Return all parts on an axis of that many samples; integers if the parts agree on gain and baseline."""
        is_same = len(set(self.gains)) == 1 and len(set(self.baselines)) == 1
        values = self.parts if is_same else tuple(self._physical())
        has_missing = any(len(part) and part.min() <= code for part, code in zip(self.parts, self.missing, strict=True))
        missing = [part == code for part, code in zip(self.parts, self.missing, strict=True)] if has_missing else []
        scale, offset = (1 / self.gains[0], -self.baselines[0] / self.gains[0]) if is_same else (1.0, 0.0)
        present = Spans.of([(start, start + len(part)) for start, part in zip(self.starts, values, strict=True)])
        return Laid(
            samples=_concatenate(values, self.starts, length),
            scale=scale,
            offset=offset,
            present=present,
            missing=_concatenate(missing, self.starts, length) if has_missing else None,  # type: ignore[arg-type]
        )

    def _physical(self) -> Iterator[NDArray[np.float32]]:
        for part, gain, baseline in zip(self.parts, self.gains, self.baselines, strict=True):
            yield ((part.astype(np.float64) - baseline) / gain).astype(np.float32)


def read_tracks(folder: Path, header: RecordHeader, found: Assembly, *, start: int) -> Iterator[Track]:
    """Yield the signals of a record or segment whose first frame is `start` on the axis of the whole."""
    for (file, code), lines in groupby(header.signals, key=lambda line: (line.file, line.format)):
        group = list(lines)
        if code == _NULL:
            found.note(f"{len(group)} signals without samples: {', '.join(line.label for line in group)}")
            continue
        if code not in PACKINGS:
            known = ", ".join(str(known) for known in PACKINGS)
            raise BadRecording(found.path, group[0].offset, f"format {code} of {file} is not read; known: {known}")
        yield from _tracks_of(folder / file, group, header, found, start=start)


def _tracks_of(path: Path, lines: list[SignalLine], header: RecordHeader, found: Assembly, *, start: int) -> Iterator[Track]:
    """Yield the signals of one file: frames of `line.frame` samples of each signal in turn."""
    packing = PACKINGS[lines[0].format]
    raw = _content(path, lines[0], header)
    width = sum(line.frame for line in lines)
    held = packing.count(len(raw))
    whole = held // width
    used = whole if header.num_samples is None else min(whole, header.num_samples)
    if header.num_samples and used < header.num_samples:
        found.note(f"{path.name} holds {used} of the {header.num_samples} samples that the header promises")
    frames = _frames(raw, packing, used, width)
    column = 0
    for line in lines:
        samples = np.array(frames[:, column : column + line.frame], order="C").reshape(-1)
        beyond = (whole - used) * line.frame + min(max(held - whole * width - column, 0), line.frame)
        column += line.frame
        _verify(found, line, samples, is_whole=used == (header.num_samples or used))
        lost = (Finding(action="dropped", samples=beyond, reason="after the last sample of the record"),) if beyond else ()
        yield Track(
            label=line.label,
            unit=line.unit,
            frame=line.frame,
            skew=line.skew,
            starts=(start * line.frame,),
            parts=(samples,),
            gains=(line.gain,),
            baselines=(line.baseline,),
            missing=(packing.missing,),
            findings=lost,
        )


def _content(path: Path, line: SignalLine, header: RecordHeader) -> Bytes:
    raw = load(path)
    if line.byte_offset > len(raw):
        raise BadRecording(path, len(raw), f"the header says that samples begin at byte {line.byte_offset}")
    content = np.asarray(raw[line.byte_offset :])
    if len(content) == 0 and header.num_samples:
        raise BadRecording(path, len(raw), f"no samples; the header promises {header.num_samples}")
    return content


def _frames(raw: Bytes, packing: Packing, count: int, width: int) -> NDArray[np.generic]:
    """Return that many frames, (count, width), unpacking no more bytes than they need."""
    groups = -(-count * width // packing.samples)
    samples = packing.read(raw[: groups * packing.size])
    return samples[: count * width].reshape(count, width)


def _verify(found: Assembly, line: SignalLine, samples: NDArray[np.generic], *, is_whole: bool) -> None:
    """Note where the samples are not those that the header was written for."""
    if line.first is not None and len(samples) and int(samples[0]) != line.first and line.checksum is not None:
        found.asides["first sample is not the one in the header"].append(line.label)
    if not is_whole or line.checksum is None:
        return
    if (int(samples.sum(dtype=np.int64)) - line.checksum) & 0xFFFF:
        found.asides["checksum does not match: samples were changed after the header was written"].append(line.label)


def _concatenate(parts: Sequence[NDArray[np.generic]], starts: tuple[int, ...], length: int) -> NDArray[np.generic]:
    if len(parts) == 1 and len(parts[0]) == length:
        return parts[0]
    laid = np.zeros(length, dtype=np.result_type(*parts))
    for start, part in zip(starts, parts, strict=True):
        laid[start : start + len(part)] = part
    return laid
