"""How a model was pretrained, to be shown beside what it is worth: the loss, and whether its vectors kept their dimensions.

log.jsonl of a run ──learned──▶ Learning ──▶ curves in the report, and a check
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wearfm.evaluation.audit import Check

QUANTITIES = {  # name in the log -> title of the picture
    "loss": "loss",
    "effective_rank": "effective rank",
    "dispersion_between": "variance between people",
}
COLLAPSED = 2.0  # an effective rank below it is a line, as in the audit of the embedding
MOST_POINTS = 200  # of a curve in the report


@dataclass(frozen=True, kw_only=True)
class Learning:
    """Curves of one run. values: a key of `QUANTITIES` -> ((step, value), ...), at most `MOST_POINTS` of them."""

    model: str
    values: Mapping[str, tuple[tuple[int, float], ...]]

    def check(self) -> Check | None:
        """Return whether the vectors kept their dimensions while they were learned; None if nobody watched."""
        ranks = self.values.get("effective_rank", ())
        if not ranks:
            return None
        last, most = ranks[-1][1], max(value for _, value in ranks)
        lost = last < COLLAPSED
        return Check(
            name=f"dimensions of {self.model} while learning",
            passed=not lost,
            value=last,
            text=f"the batches of {self.model} varied along {last:.1f} dimensions at the end of pretraining, {most:.1f} at most"
            + (": it has collapsed" if lost else ""),
        )


def learned(model: str, lines: Iterable[Mapping[str, float]]) -> Learning:
    """Return the curves in a run's log lines; lines without a quantity (validation) are passed over."""
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in QUANTITIES}
    for line in lines:
        for name, points in found.items():
            if name in line:
                points.append((int(line["step"]), float(line[name])))
    return Learning(model=model, values={name: _thinned(points) for name, points in found.items() if points})


def _thinned(points: list[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """Return at most `MOST_POINTS` points at equal distances, the last one among them."""
    step = -(-len(points) // MOST_POINTS)
    return tuple(points[::-1][::step][::-1])
