"""Every error that a user of wearfm can cause.

    WearfmError
    ├── BadRecording          a file that is broken, with path, byte offset and reason
    ├── UnknownFormat         a file that no reader recognises
    ├── UnknownUnit           a unit, or a pair of units, that has no conversion
    ├── BadConfiguration      a setting, or a combination of settings, that cannot work  (also a ValueError)
    │   ├── UnknownName       a recipe, task, reader, preset ... that does not exist
    │   └── LeakyScheme       an evaluation in which one person would stand on both sides
    ├── IncompatibleWeights   a state dict whose keys or shapes do not fit
    ├── IncompatibleTable     embedding tables of different weights or layouts, mixed
    ├── DamagedStore          a store or checkpoint whose bytes are not the ones committed
    ├── Diverged              a training run whose loss or gradient is no longer finite
    ├── CannotWrite           a disk that is full, read-only or failing
    ├── CannotDownload        an address that does not give what its publisher lists
    └── MissingExtra          an optional dependency that is not installed

A message says, in this order: the value, the rule it breaks, and the remedy. The command line prints that one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path


class WearfmError(Exception):
    """The root of every error that wearfm raises on purpose."""


class BadRecording(WearfmError):
    """A recording that cannot be read: which file, at which byte, and why."""

    def __init__(self, path: str | Path, offset: int, reason: str) -> None:
        super().__init__(f"{path}: {reason} (at byte {offset})")
        self.path = Path(path)
        self.offset = offset
        self.reason = reason

    def __reduce__(self) -> tuple[type[BadRecording], tuple[str, int, str]]:
        return type(self), (str(self.path), self.offset, self.reason)


class UnknownFormat(WearfmError):
    """A file whose content no reader recognises."""


class UnknownUnit(WearfmError):
    """A unit that is not in the table, or two units of different dimensions."""


class BadConfiguration(WearfmError, ValueError):
    """A setting, or a combination of settings, that cannot work."""


class UnknownName(BadConfiguration):
    """A name that is not one of those known; the message offers the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        choices = sorted(known)
        near = get_close_matches(name, choices, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(choices) or 'none'}"
        super().__init__(f"{kind} {name!r} is not known; {hint}")
        self.arguments = (kind, name, tuple(choices))

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...]]]:
        return type(self), self.arguments


class LeakyScheme(BadConfiguration):
    """An evaluation in which one person would stand on both sides of a split."""


class IncompatibleWeights(WearfmError):
    """A state dict that does not fit: lists everything missing, left over and misshapen."""

    def __init__(
        self,
        what: str,
        *,
        missing: Iterable[str] = (),
        unexpected: Iterable[str] = (),
        shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] | None = None,
    ) -> None:
        self.what = what
        self.missing = tuple(sorted(missing))
        self.unexpected = tuple(sorted(unexpected))
        self.shapes = dict(sorted((shapes or {}).items()))
        lines = [f"the weights do not fit {what}"]
        if self.missing:
            lines.append(f"missing ({len(self.missing)}): {', '.join(self.missing)}")
        if self.unexpected:
            lines.append(f"left over ({len(self.unexpected)}): {', '.join(self.unexpected)}")
        if self.shapes:
            pairs = (f"{key} is {given}, expected {expected}" for key, (given, expected) in self.shapes.items())
            lines.append(f"wrong shape ({len(self.shapes)}): {'; '.join(pairs)}")
        super().__init__(". ".join(lines))


class IncompatibleTable(WearfmError):
    """Embedding tables of different weights, recipes or widths that must not be mixed."""


class DamagedStore(WearfmError):
    """Bytes on disk that are not the bytes that were committed."""


class Diverged(WearfmError):
    """A training step whose loss or gradient is not finite; the last checkpoint is whole."""


class CannotWrite(WearfmError):
    """A write that failed: which file, how many bytes, what the system said."""


class CannotDownload(WearfmError):
    """A download that failed: which address, what came instead, and whether running it again helps."""


class MissingExtra(WearfmError):
    """An optional dependency that is not installed; the message names the pip command."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs the package {package!r}; install it with: pip install 'wearfm[{extra}]'")
        self.arguments = (package, extra)

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str]]:
        return type(self), self.arguments
