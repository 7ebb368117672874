"""Every sample has a fate, and the record survives its journey through JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wearfm.errors import BadConfiguration
from wearfm.signals.quality_record import ChannelQuality, Finding, Quality

FINDINGS = st.lists(
    st.builds(
        Finding,
        action=st.sampled_from(["masked", "dropped", "inserted", "repaired"]),
        samples=st.integers(0, 1000),
        reason=st.text(max_size=20),
    ),
    max_size=5,
)


def _record(kept: int, findings: list[Finding]) -> ChannelQuality:
    lost = sum(finding.samples for finding in findings if finding.action in ("masked", "dropped"))
    return ChannelQuality(name="x", source=kept + lost, kept=kept, findings=tuple(findings))


@given(st.integers(0, 1000), FINDINGS)
def test_both_laws_hold(kept: int, findings: list[Finding]) -> None:
    record = _record(kept, findings)
    assert record.source == record.kept + record.count("masked") + record.count("dropped")
    assert record.length == record.kept + record.count("masked") + record.count("inserted")


@given(st.integers(0, 1000), FINDINGS, st.integers(1, 50))
def test_a_sample_without_a_fate_is_refused(kept: int, findings: list[Finding], missing: int) -> None:
    record = _record(kept, findings)
    with pytest.raises(BadConfiguration, match="every sample needs a fate"):
        ChannelQuality(name="x", source=record.source + missing, kept=kept, findings=tuple(findings))


@given(st.lists(st.tuples(st.integers(0, 1000), FINDINGS), max_size=3), st.lists(st.text(max_size=10), max_size=3))
def test_a_record_comes_back_from_json(channels: list[tuple[int, list[Finding]]], notes: list[str]) -> None:
    record = Quality(channels=tuple(_record(*each) for each in channels), notes=tuple(notes))
    assert Quality.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_reasons_are_added_over_channels_largest_first() -> None:
    findings = [
        Finding(action="masked", samples=3, reason="range"),
        Finding(action="inserted", samples=9, reason="gap"),
        Finding(action="dropped", samples=3, reason="range"),
    ]
    record = Quality(channels=(_record(10, findings), _record(5, findings[:2])))
    assert list(record.reasons().items()) == [("inserted: gap", 18), ("masked: range", 6), ("dropped: range", 3)]
