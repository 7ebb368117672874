"""`python -m wearfm` is `wearfm`."""

from wearfm.cli import entry

entry()
