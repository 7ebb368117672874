"""wearfm bench: how far results depend on what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from wearfm.cli import terminal
from wearfm.errors import BadConfiguration, UnknownName

STUDIES = {"resolution": "a task's score against sampling rate, duration and number of people"}


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Re-sample, shorten and thin one data set, and plot a task's score against rate, duration and number of people.

    The judged people are the same at every point. Hand-made statistics stand beside the models. A second call goes on where
    the first stopped.
    """

    store: Annotated[Path, tyro.conf.Positional]
    """The store's folder."""
    task: str
    """The task to judge by; an unknown name lists what there is."""
    modalities: tuple[str, ...]
    """What may be looked at."""
    window_s: float = 10.0
    """Seconds of a window; windows touch."""
    models: tuple[str, ...] = ()
    """Run folders, checkpoint folders, or names of recipes (random weights); none for hand-made statistics alone."""
    rates_hz: tuple[float, ...] = ()
    """Sampling rates to come down to; the native rate is always there too."""
    minutes: tuple[float, ...] = ()
    """Minutes of signal that each teacher keeps."""
    participants: tuple[int, ...] = ()
    """Numbers of people who teach; all of them is always there too."""
    keep: Literal["spread", "first"] = "spread"
    """Which minutes a teacher keeps: spread evenly over the recording, or the first, as if it had ended then."""
    draws: int = 3
    """Groups of people that are drawn for each number of them."""
    test_share: float = 0.4
    """Share of the people who are judged."""
    bootstrap: int = 500
    """Resamples of people behind every interval."""
    seed: int = 0
    """Decides who is judged and who teaches."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("resolution")
    """Folder for points, table and picture."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    if not words or words[0] in {"-h", "--help"}:
        lines = "\n".join(f"  {name}  {what}" for name, what in STUDIES.items())
        terminal.say(
            f"usage: wearfm bench STUDY [options]\n\n{lines}\n\nwearfm bench STUDY --help shows the options of a study"
        )
        return 0
    if words[0] not in STUDIES:
        raise UnknownName("study", words[0], STUDIES)
    return _resolution(terminal.parse(Resolution, "bench resolution", words[1:]))


def _resolution(options: Resolution) -> int:
    if not (options.rates_hz or options.minutes or options.participants):
        raise BadConfiguration("no axis has a point; give --rates-hz, --minutes or --participants")
    from wearfm.resolution import Grid, study_resolution, summarise
    from wearfm.resolution_picture import draw
    from wearfm.store import Store
    from wearfm.workflow import load, tasks_named

    (task,) = tasks_named([options.task])
    known = {name: value for name, value in asdict(options).items() if name in Grid.__dataclass_fields__}
    grid = Grid(**known)
    models = {Path(name).name: load(name) for name in options.models}
    with Store.open(options.store) as store, terminal.progress("resolution", unit="points") as progress:
        points = study_resolution(store, task, grid, models=models, folder=options.output, watch=progress)
    rows = summarise(points)
    draw(rows, options.output / "resolution.png", title=f"{task.name}: {task.question}")
    (options.output / "resolution.md").write_text(_page(rows, task))
    if options.json:
        terminal.emit({"folder": str(options.output), "rows": rows})
    else:
        columns = ("axis", "value", "model", "metric", "score", "low", "high", "draws", "teachers", "judged")
        terminal.table("", columns, [tuple(row[name] for name in columns) for row in rows])
        terminal.say(f"{options.output / 'resolution.png'}, {options.output / 'resolution.md'}")
    return 0


def _page(rows: list[dict[str, Any]], task: Any) -> str:
    """Return the table as Markdown."""
    lines = [
        f"# {task.name}: score against rate, duration and people",
        "",
        f"{task.question} Judged by {task.metric}; 95 % intervals over people; where teachers were drawn, the widest of them.",
        "",
        "| axis | value | model | score | interval | draws | teachers | judged |",
        "|---|---:|---|---:|---|---:|---:|---:|",
    ]
    for row in rows:
        spread = f"{row['low']:.3g} to {row['high']:.3g}"
        ends = f"{row['draws']} | {row['teachers']} | {row['judged']}"
        lines.append(f"| {row['axis']} | {row['value']:g} | {row['model']} | {row['score']:.3g} | {spread} | {ends} |")
    return "\n".join(lines) + "\n"
