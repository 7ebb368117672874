"""wearfm distil: teach a student that reads other signals what a pretrained recipe reads."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro

from wearfm.cli import terminal

_USUAL = "apple_contrastive"


@dataclass(frozen=True, kw_only=True)
class Call:
    """What every call names."""

    store: Annotated[Path, tyro.conf.Positional]
    """The store's folder; its recordings need the signals of both sides."""
    student_name: Annotated[str, tyro.conf.arg(name="student")] = _USUAL
    """The method that learns; for acceleration in windows as long as the teacher's, unless --student.* says otherwise."""
    student_preset: str = "small"
    """Which of its presets the student's settings start from."""
    run: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("runs/distil")
    """The run's folder; the student alone goes to `student` inside it. A second call with the same settings goes on."""
    participants: Path | None = None
    """A text file with one participant a line: train on these only."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    if not words or words[0] in {"-h", "--help"}:
        terminal.say("usage: wearfm distil TEACHER STORE [--student NAME] [--student-preset PRESET] [options]\n")
        terminal.say("TEACHER is a run or checkpoint folder; wearfm distil TEACHER --help shows every setting")
        return 0
    from wearfm.distilling import distil, fitting
    from wearfm.recipes.method import Method
    from wearfm.store import Store
    from wearfm.training import load
    from wearfm.windows.view import View

    teacher = load(words[0])
    name = _word(words, "--student", _USUAL)
    options = _options(fitting(name, _word(words, "--student-preset", "small"), teacher=teacher), words[1:])
    with Store.open(options.store) as store, terminal.progress("distil", unit="steps") as progress:
        made = distil(
            teacher,
            View(store, participants=terminal.names_in(options.participants)),
            Method(name=name, config=options.student),
            run=options.run,
            training=options.training,
            teaching=options.teaching,
            progress=partial(_follow, progress),
        )
    if os.environ.get("RANK", "0") == "0":  # under torchrun one process speaks for all
        facts = {**dataclasses.asdict(made.summary), "student": str(made.folder)}
        terminal.emit(facts) if options.json else _show(made)
    return 130 if made.summary.interrupted else 0


def _follow(progress: terminal.Report, line: Mapping[str, float]) -> None:
    """Move the progress bar to a log line, and show how often the student finds its teacher."""
    what = f"finds its teacher {line['student_finds_teacher']:.0%}" if "student_finds_teacher" in line else ""
    progress(int(line["step"]), int(line["total"]), what)


def _options(student: Any, words: Sequence[str]) -> Any:
    """Return the options: the call, the student's settings, how it is taught and the training's."""
    from wearfm.recipes.distillation import Teaching
    from wearfm.training import TrainingConfig

    usual = TrainingConfig(seed=0, steps=1000)
    fields = [
        ("student", type(student.config), field(default_factory=lambda: student.config)),
        ("teaching", Teaching, field(default_factory=Teaching)),
        ("training", TrainingConfig, field(default_factory=lambda: usual)),
    ]
    options = make_dataclass("Options", fields, bases=(Call,), frozen=True, kw_only=True)
    options.__doc__ = "Teach a student that reads acceleration what a pretrained recipe reads in the same windows."
    return terminal.parse(options, "distil TEACHER", words)


def _word(words: Sequence[str], option: str, usual: str) -> str:
    """Return what an option is given, before all options are known."""
    for place, word in enumerate(words):
        if word == option and place + 1 < len(words):
            return words[place + 1]
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return usual


def _show(made: Any) -> None:
    summary = made.summary
    terminal.say(f"{summary.run}: step {summary.step} of {summary.total}, {summary.signal_hours:.1f} h of signal seen")
    for name, value in sorted(summary.metrics.items()):
        terminal.say(f"  {name}: {value:.4g}")
    for reason, seconds in summary.skipped.items():
        terminal.say(f"  in no window, {reason}: {terminal.duration(seconds)}")
    terminal.say(f"student: {made.folder}")
    if summary.interrupted:
        terminal.say(f"interrupted by {summary.interrupted}; the same command goes on from here")
