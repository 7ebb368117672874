"""The ledger of a download, `wearfm-download.json`: what came from where, with its hash, and when.

{"version": 1, "dataset": "mitdb",
 "files": {"100.dat": {"url": "https://...", "sha256": "...", "size": 1950000, "when": "2026-01-31T12:00:00+00:00"},
           "more.zip": {..., "unpacked": {"more/1.csv": 5210, ...}}}}
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from wearfm.datasets.download.listing import LEDGER, Member
from wearfm.datasets.download.part import Receipt, written
from wearfm.errors import BadConfiguration

_VERSION = 1
_EVERY_S = 2.0  # thousands of small files do not write it thousands of times


@dataclass(frozen=True, kw_only=True)
class Line:
    """A file that came. published: the publisher's hash, "" for none. unpacked: what an archive held, path -> size."""

    url: str
    sha256: str
    size: int
    when: str
    published: str = ""
    unpacked: dict[str, int] | None = None


class Ledger:
    """The lines of a data set's folder, by path."""

    def __init__(self, folder: Path, *, dataset: str) -> None:
        self._path = folder / LEDGER
        self._dataset = dataset
        self._lines = self._read()
        self._saved_s = time.monotonic()

    def find(self, member: Member) -> Line | None:
        """Return the line of a file if it came from the same address."""
        line = self._lines.get(member.path)
        return line if line is not None and line.url == member.url else None

    def enter(self, member: Member, receipt: Receipt, *, unpacked: dict[str, int] | None = None) -> None:
        """Write a line of a file; it reaches the disk soon, or at once if its hash stands nowhere else."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        known = self.find(member)
        when = known.when if known is not None and known.sha256 == receipt.sha256 else now
        self._lines[member.path] = Line(
            url=member.url, sha256=receipt.sha256, size=receipt.size, when=when, published=member.hash, unpacked=unpacked
        )
        if not member.hash or time.monotonic() - self._saved_s > _EVERY_S:
            self.save()

    def save(self) -> None:
        """Bring all lines to the disk: the old ledger or the new one, never half of one."""
        lines = {
            path: {k: v for k, v in asdict(line).items() if v not in ("", None)} for path, line in sorted(self._lines.items())
        }
        text = json.dumps({"version": _VERSION, "dataset": self._dataset, "files": lines}, indent=1)
        temporary = self._path.with_name(self._path.name + ".part")
        with written(self._path):
            temporary.write_text(text + "\n")
            temporary.replace(self._path)
        self._saved_s = time.monotonic()

    def _read(self) -> dict[str, Line]:
        try:
            plain = json.loads(self._path.read_text())
            if plain["version"] != _VERSION:
                raise ValueError(f"version {plain['version']}")
            return {str(path): Line(**line) for path, line in plain["files"].items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadConfiguration(
                f"{self._path} is not a ledger of downloads ({error}); remove it: files with a published hash are checked again"
            ) from error
