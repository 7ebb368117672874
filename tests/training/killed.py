"""A training run to be killed: `python -m tests.training.killed RUN`."""

import sys

from tests.killing import READY
from tests.training.jobs import train_toy

STEPS = 40


def main(run: str) -> None:
    """Train with a checkpoint at every other step, so that most of the time goes into writing and removing them."""
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    train_toy(run, toy={"batch_norm": True}, steps=STEPS, checkpoint_every=2, keep=2, log_every=1, validate_every=5)


if __name__ == "__main__":
    main(sys.argv[1])
