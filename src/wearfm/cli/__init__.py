"""The command line: one file a verb, found without importing any of them.

`wearfm --help` answers from the table below; a verb's file, and what it needs, is imported only when it is called.
Exit codes: 0 done, 1 done but something in the data was refused or damaged, 2 a mistake in the call or the input,
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from wearfm.errors import UnknownName, WearfmError

VERBS: dict[str, str] = {
    "inspect": "show what is in a file or a folder of recordings",
    "datasets": "list open data sets, show a card, download one, prepare it",
    "prepare": "turn raw recordings into a store",
    "store": "describe, verify or repair a store",
    "minutes": "bring a store of raw recordings to one value a minute",
    "synth": "simulate a cohort into a store",
    "recipes": "list the methods, their presets and settings",
    "pretrain": "train a recipe on a store without labels",
    "finetune": "teach a pretrained recipe the labels of a task",
    "distil": "teach a student with other sensors what a pretrained recipe reads",
    "embed": "turn a store into an embedding table",
    "evaluate": "judge embedding tables on tasks, beside the baselines",
    "risk": "say from an embedding table who falls ill sooner, for many outcomes",
    "impute": "fill in what is hidden from a masked recipe, and compare with simple methods",
    "bench": "see how a task's score depends on rate, duration and number of people",
    "demo": "do all of it: on a simulated cohort, or on real data with --data",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake is one line on stderr, never a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0
    if words[0] in {"-V", "--version"}:
        from importlib.metadata import version

        print(f"wearfm {version('wearfm')}")
        return 0
    try:
        return _run(words[0], words[1:])
    except WearfmError as error:
        return _fail(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(
            f"{error.filename or 'input or output'}: {error.strerror or error}; check the path, its rights and the disk"
        )
    except KeyboardInterrupt:
        print("wearfm: interrupted; what was committed is kept, run the same command to go on", file=sys.stderr)
        return 130


def usage() -> str:
    """Return the text of `wearfm --help`."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {what}" for verb, what in VERBS.items())
    return (
        "wearfm: foundation models for wearable biosignals; raw recordings in, honest health predictions out\n\n"
        f"usage: wearfm VERB [options]\n\n{verbs}\n\n"
        "wearfm VERB --help shows the options of a verb. --json, where offered, prints the result for machines."
    )


def _run(verb: str, words: list[str]) -> int:
    if verb not in VERBS:
        raise UnknownName("verb", verb, VERBS)
    return int(import_module(f"wearfm.cli.{verb}").run(words))


def _fail(message: str) -> int:
    print("wearfm: " + " ".join(message.split()), file=sys.stderr)
    return 2


def entry() -> None:
    """Run the command line and leave with its exit code; a reader that left early (`| head`) is no mistake."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)
