"""The input contract: what windows a recipe eats."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

ANY = "*"  # a stream that takes every modality the recording has


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One modality that a recipe reads.

    modality: a key of `units.MODALITIES`, or "*" for every modality present. rate_hz: the loader resamples to it,
    anti-aliased; None leaves the source's rate. channels: how many channels a window must have; None for any number.
    is_optional: a recording without it still gives windows; the batch then has no such stream, or one that is not valid.
    """

    modality: str
    rate_hz: float | None
    channels: int | None = None
    is_optional: bool = False


@dataclass(frozen=True, kw_only=True)
class InputContract:
    """The windows that a recipe eats, in physical units.

    streams: every one of them must be present in a window, unless it is optional; one at least. window_s: length in
    seconds. min_valid: least share of the window's samples, over all its channels, that must be valid; 1.0 for a recipe
    that does not look at `valid`. align_s: windows start at multiples of it on the wall clock (86 400: at midnight), also
    before the first sample and so that the last sample is covered; None for windows that start with the recording.
    align_from_s: where that grid begins, in seconds after 1970-01-01 00:00, a Thursday (345 600: on a Monday); for a recording
    without a date it begins at its time 0.
    """

    streams: tuple[Stream, ...]
    window_s: float
    min_valid: float = 1.0
    align_s: float | None = None
    align_from_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the contract as plain dicts, lists, numbers and text."""
        return {
            "streams": [asdict(stream) for stream in self.streams],
            "window_s": self.window_s,
            "min_valid": self.min_valid,
            "align_s": self.align_s,
            "align_from_s": self.align_from_s,
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> InputContract:
        """Return the contract that `to_json` wrote."""
        return cls(
            streams=tuple(Stream(**row) for row in plain["streams"]),
            window_s=plain["window_s"],
            min_valid=plain["min_valid"],
            align_s=plain["align_s"],
            align_from_s=plain.get("align_from_s", 0.0),
        )
