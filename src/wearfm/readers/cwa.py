"""Axivity CWA: acceleration of AX3 and AX6, gyroscope of the AX6, temperature and light.

The file that Axivity devices write (Open Movement, continuous wave accelerometry): sectors of 512 bytes, each with its own
time stamp and checksum; gzipped or not. Recognised by "MD" and the length of the header, or by a data sector behind it.

| in the file | in the recording |
|---|---|
| samples of three axes, packed or as int16 | channels `acc x`, `acc y`, `acc z`: `int16`, exact; 1/256 g, finer on the AX6 |
| samples of six axes | besides, `gyro x`, `gyro y`, `gyro z`: range / 2^15 deg/s |
| temperature of each sector | channel `temp`, about 1 Hz: 75/256 degC a count, less 50 |
| light of each sector | channel `light level`: counts of a logarithmic sensor behind the case, modality `other`, not lux |
| `_p` and `_sc` of the header's annotation | placement (its last known word), participant if it is one word |
| session | kept in the name of the device |

**Time.** The clock is set by a computer to its wall clock; the field for its zone is not used: local time. A stamp
tells when a certain sample of its sector was taken, to 2^-15 s. Samples are counted from sector to sector, at the rate that
the stamps show over the whole file; AX3 sensors are 1 or 2 % off their nominal rate and drift with temperature, so that a note
tells both rates. Where counting and clock come to differ by half a second, or where a sector is missing or the recording
was resumed, the clock decides: what was not measured is a gap, what overlaps is dropped and counted.

**Broken files.** A sector whose checksum, length, date or number of samples is wrong is dropped; the samples that it claims
are counted. Sectors of neither kind and of a rate or layout that most others do not have are dropped and counted. A damaged
header costs placement and participant only. A last sector that is cut off is noted.

**Limits.** A magnetometer (nine axes) is not read. Battery voltage and the free text of the annotation are left out. The
sensor's own calibration error (up to some 5 % of gravity) is left as it is.

Source: Open Movement, AX3 Technical Documentation and AX3/AX6 Data (Docs/ax3, github.com/openmovementproject/openmovement).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, Series, on_grid
from wearfm.readers.base import Bytes, Reader, load, stem
from wearfm.readers.blocks import Part, arrange
from wearfm.readers.cwa_blocks import SECTOR, Layout, Sectors, decode, first_sample_ns, layout, parse
from wearfm.readers.labels import Meaning
from wearfm.readers.subject import place, word
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import Recording

_HEADER = b"MD\xfc\x03"
_DATA = b"AX\xfc\x01"
_HEADER_BYTES = 2 * SECTOR
_SLACK_S = 0.5  # how far counting may lead from the clock before the clock decides
_AX6 = 0x64


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of a CWA file; a very long one in parts."""
    data = load(path)
    annotation = _annotation(data)
    sectors = parse(data)
    if len(sectors.rows) == 0:
        raise BadRecording(path, min(len(data), _HEADER_BYTES), "no data sector with a right checksum and a date")
    usual, counts = np.unique(sectors.layout, return_counts=True)
    chosen = np.flatnonzero(sectors.layout == usual[counts.argmax()])
    form = layout(int(usual[counts.argmax()]))
    time_ns = first_sample_ns(sectors, form.rate_hz)[chosen]
    follows = sectors.follows[chosen] & (np.diff(chosen, prepend=-2) == 1)
    laid = arrange(path, time_ns, sectors.counts[chosen], rate_hz=form.rate_hz, slack_s=_SLACK_S, follows=follows)
    notes = (*laid.notes, *_notes(data, sectors))
    for number, part in enumerate(laid.parts):
        found = Assembly(path=path, notes=list(notes))
        lost = () if number else tuple(_lost(sectors, chosen))
        _add_axes(found, sectors, chosen[part.rows], form, part, lost, place(annotation.get("_p", "")))
        _add_slow(found, sectors, chosen[part.rows], time_ns[part.rows], place(annotation.get("_p", "")))
        yield found.finish(
            participant=word(annotation.get("_sc", "")) or stem(path),
            name=stem(path) if number == 0 else f"{stem(path)} part {number + 1}",
            clock="local",
            device=_device(data),
            source=f"cwa: {path.name}",
        )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this begins with a CWA header, or has a data sector where the first one must be."""
    return not path.is_dir() and (head.startswith(_HEADER) or head[_HEADER_BYTES : _HEADER_BYTES + 4] == _DATA)


def _annotation(data: Bytes) -> Mapping[str, str]:
    """Return the header's pairs of key and value."""
    if bytes(data[:4]) != _HEADER:
        return {}
    text = bytes(data[64:SECTOR]).rstrip(b" \x00\xff").decode("latin-1")
    try:
        return dict(parse_qsl(text, max_num_fields=100))
    except ValueError:
        return {}


def _device(data: Bytes) -> str:
    """Return the model; 0x64 is the AX6, anything else was written before there was one."""
    if bytes(data[:4]) != _HEADER:
        return "Axivity"
    return f"Axivity {'AX6' if data[4] == _AX6 else 'AX3'} session {int.from_bytes(bytes(data[7:11]), 'little')}"


def _notes(data: Bytes, sectors: Sectors) -> Iterator[str]:
    if bytes(data[:4]) != _HEADER:
        yield "the header is damaged; placement and participant are not known"
    if sectors.strange:
        yield f"{sectors.strange} sectors hold neither header nor data"
    if len(data) % SECTOR:
        yield f"{len(data) % SECTOR} bytes after the last whole sector"


def _lost(sectors: Sectors, chosen: NDArray[np.int64]) -> Iterator[Finding]:
    """Yield what was dropped before time was looked at."""
    damaged = int(sectors.lost.sum())
    other = int(sectors.counts.sum() - sectors.counts[chosen].sum())
    if damaged:
        yield Finding(action="dropped", samples=damaged, reason="sector with a wrong checksum, length, date or count")
    if other:
        yield Finding(action="dropped", samples=other, reason="sector of another rate or layout")


def _add_axes(
    found: Assembly, sectors: Sectors, rows: NDArray[np.int64], form: Layout, part: Part,
    lost: tuple[Finding, ...], site: str,
) -> None:  # fmt: skip
    axes = decode(sectors, rows, form)
    kinds = [("gyro", "deg/s", form.gyro_range / 2**15)] if form.num_axes == 6 else []
    kinds.append(("acc", "g", 1 / form.counts_per_g))
    named = [(*kind, axis) for kind in kinds for axis in "xyz"]
    for samples, (modality, unit, scale, axis) in zip(axes, named, strict=True):
        found.add(
            Series(
                label=f"{modality} {axis}",
                meaning=Meaning(modality=modality, unit=unit, axis=axis, placement=site),
                samples=part.lay(samples),
                rate_hz=part.rate_hz,
                start_ns=part.start_ns,
                scale=scale,
                present=part.present,
                findings=(*lost, *part.findings),
            )
        )


def _add_slow(found: Assembly, sectors: Sectors, rows: NDArray[np.int64], time_ns: NDArray[np.int64], site: str) -> None:
    """Add what is read once a sector; 0 means that it was not read yet."""
    if len(rows) < 2 or not (np.diff(time_ns) > 0).any():
        found.note("temperature and light are left out; one sector has no rate")
        return
    grid = found.grid(time_ns)
    for label, meaning, values, scale, offset in (
        ("temp", Meaning(modality="temp", unit="degC", placement=site), sectors.temperature[rows], 75 / 256, -50.0),
        ("light level", Meaning(modality="other", unit="au", placement=site), sectors.light[rows], 1.0, 0.0),
    ):
        found.add(
            on_grid(
                grid, values, label=label, meaning=meaning, scale=scale, offset=offset,
                missing=values == 0, missing_reason="0: no reading",
            )
        )  # fmt: skip


READER = Reader(
    name="cwa",
    describes="Axivity CWA: acceleration, gyroscope, temperature and light of AX3 and AX6",
    devices=("Axivity AX3", "Axivity AX6"),
    clock="wall clock of the computer that set it, zone unknown: local",
    suffixes=(".cwa",),
    recognises=recognises,
    read=read,
)
