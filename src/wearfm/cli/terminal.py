"""What a person sees: progress, tables, results. Rich on a terminal, plain lines elsewhere, JSON for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from wearfm.errors import BadConfiguration

Report = Callable[[int, int, str], None]  # done, total, what is done now
Options = TypeVar("Options")

PLAIN_EVERY_S = 10.0  # without a terminal, a line at most this often


def parse(options: type[Options], verb: str, words: Sequence[str], **settings: Any) -> Options:
    """Return a verb's options from its words; tyro prints help and mistakes and leaves the process."""
    parsed: Options = tyro.cli(
        options, prog=f"wearfm {verb}", args=list(words), config=(tyro.conf.AvoidSubcommands,), **settings
    )
    return parsed


def console() -> Console:
    """Return a console on stderr: stdout is for results."""
    return Console(stderr=True, highlight=False)


@contextmanager
def progress(title: str, *, unit: str) -> Iterator[Report]:
    """Yield a function (done, total, what) that shows how far a long job is, how fast, and how long it will take.

    unit: what is counted ("files", "windows"). A call adds what is done now, a file's name, say.
    """
    if sys.stderr.isatty():
        columns = (
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[what]}"),
        )
        with Progress(*columns, console=console(), transient=True) as bars:
            yield _bar(bars, title, unit)
    else:
        yield _lines(title, unit)


def _bar(bars: Progress, title: str, unit: str) -> Report:
    task = bars.add_task(title, total=None, speed="", what="")
    started = time.monotonic()

    def report(done: int, total: int, what: str) -> None:
        speed = done / max(time.monotonic() - started, 1e-9)
        shown_what = "" if what == unit else what[-40:]
        bars.update(task, completed=done, total=total, speed=f"{speed:,.1f} {unit}/s", what=shown_what)

    return report


def _lines(title: str, unit: str) -> Report:
    started = last = time.monotonic()

    def report(done: int, total: int, _what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < PLAIN_EVERY_S and done < total:
            return
        last = now
        speed = done / max(now - started, 1e-9)
        left = (total - done) / speed if speed else 0.0
        print(f"{title}: {done}/{total} {unit}, {speed:,.1f}/s, {left:.0f} s left", file=sys.stderr, flush=True)

    return report


@contextmanager
def stages() -> Iterator[Callable[[str, int, int, str], None]]:
    """Yield a function (stage, done, total, what) that shows one progress bar a stage, whichever stage reports."""
    with ExitStack() as open_bar:
        shown_now: dict[str, Report] = {}

        def watch(stage: str, done: int, total: int, what: str) -> None:
            if stage not in shown_now:
                open_bar.close()
                shown_now.clear()
                shown_now[stage] = open_bar.enter_context(progress(stage, unit="done"))
            shown_now[stage](done, total, what)

        yield watch


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on stdout; numbers are set flush right."""
    grid = Table(title=title, title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for place, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[place], int | float) for row in rows)
        grid.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(shown(cell) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else 140).print(grid)


def shown(cell: object) -> str:
    """Return a cell's text: at most four significant digits, thousands apart."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.4g}"


def emit(result: Any) -> None:
    """Print a result as one JSON document on stdout."""
    print(json.dumps(result, indent=2, sort_keys=True, default=str))


def say(text: str) -> None:
    """Print a line for a person on stdout."""
    print(text, flush=True)


def names_in(path: Path | None) -> list[str] | None:
    """Return the names in a text file, one a line; None for no file; BadConfiguration if it holds none."""
    if path is None:
        return None
    names = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    if not names:
        raise BadConfiguration(f"{path} names no participant; write one a line")
    return names


def duration(seconds: float) -> str:
    """Return a time span as a person says it: 42 s, 5 min, 3.2 h, 2.1 d."""
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 86400:.3g} d"
