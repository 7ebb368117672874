"""Any recording at all, for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from wearfm.signals.quality_record import ChannelQuality, Finding, Quality
from wearfm.signals.recording import Channel, Events, Recording
from wearfm.signals.spans import Spans
from wearfm.signals.units import MODALITIES

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
TIMES = st.integers(-(2**62), 2**62)
FACTS = st.dictionaries(WORDS, WORDS | st.floats(allow_nan=False), max_size=3)


@st.composite
def samples(draw: st.DrawFn) -> np.ndarray:
    dtype = draw(st.sampled_from((np.int16, np.int32, np.float32)))
    length = draw(st.integers(0, 40))
    return draw(npst.arrays(dtype, length))


@st.composite
def channels(draw: st.DrawFn, name: str) -> Channel:
    values = draw(samples())
    wanted = draw(npst.arrays(np.bool_, len(values)))
    scale = draw(st.floats(1e-6, 1e3))
    with np.errstate(all="ignore"):
        possible = np.isfinite(values * np.float32(scale)) & (np.abs(values.astype(np.float64)) < 1e30)
    return Channel(
        name=name,
        modality=draw(st.sampled_from(sorted(MODALITIES))),
        rate_hz=draw(st.sampled_from((1 / 3600, 1 / 60, 4.0, 31.25, 128.0, 1000.0))),
        start_ns=draw(TIMES),
        samples=values,
        valid=Spans.from_mask(wanted & possible),
        placement=draw(st.sampled_from(("", "wrist", "finger"))),
        axis=draw(st.sampled_from(("", "x", "y", "z"))),
        scale=scale,
        offset=draw(st.floats(-1e6, 1e6)),
    )


@st.composite
def events(draw: st.DrawFn) -> Events:
    row = st.tuples(WORDS, TIMES, st.integers(0, 2**40), WORDS | st.just(""), st.floats())
    return Events.of(draw(st.lists(row, max_size=5)))


@st.composite
def qualities(draw: st.DrawFn, name: str) -> ChannelQuality:
    masked, dropped, repaired, kept = (draw(st.integers(0, 2**40)) for _ in range(4))
    findings = (
        Finding(action="masked", samples=masked, reason="outside 0 to 1"),
        Finding(action="dropped", samples=dropped, reason="torn block"),
        Finding(action="repaired", samples=repaired, reason=draw(WORDS)),
    )
    return ChannelQuality(name=name, source=kept + masked + dropped, kept=kept, findings=findings)


@st.composite
def recordings(draw: st.DrawFn, participant: str | None = None) -> Recording:
    names = draw(st.lists(WORDS, max_size=3, unique=True))
    notes = tuple(draw(st.lists(WORDS, max_size=2)))
    return Recording(
        participant=participant or draw(WORDS),
        name=draw(WORDS),
        channels=tuple(draw(channels(name)) for name in names),
        events=draw(events()),
        clock=draw(st.sampled_from(("utc", "local", "relative"))),
        utc_offset_s=draw(st.none() | st.integers(-50_400, 50_400)),
        device=draw(WORDS | st.just("")),
        source=draw(WORDS | st.just("")),
        facts=draw(FACTS),
        quality=Quality(channels=tuple(draw(qualities(name)) for name in names), notes=notes),
    )


def bits(recording: Recording) -> dict[str, object]:
    """Everything in a recording as plain values that compare equal only if every bit is."""
    return {
        "own": (recording.participant, recording.name, recording.clock, recording.utc_offset_s, recording.device),
        "facts": dict(recording.facts),
        "source": recording.source,
        "quality": recording.quality,
        "events": [
            (column.tolist() if column.dtype.kind == "U" else column.tobytes())
            for column in (
                recording.events.kind,
                recording.events.onset_ns,
                recording.events.duration_ns,
                recording.events.label,
                recording.events.value,
            )
        ],
        "channels": [
            [
                (c.name, c.modality, c.unit, c.placement, c.axis, c.rate_hz, c.start_ns, c.scale, c.offset),
                (str(c.samples.dtype), c.samples.tobytes(), c.valid.bounds.tolist()),
            ]
            for c in recording.channels
        ],
    }
