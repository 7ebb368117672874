"""An extraction to be killed: `python -m tests.embeddings.killed STORE TABLE`."""

import sys
from pathlib import Path

from tests.killing import READY
from tests.toy import Toy, small
from wearfm.embeddings import extract
from wearfm.store import Store


def main(store: str, table: str) -> None:
    """Embed in small parts, so that most of the time goes into writing and joining them."""
    recipe = Toy(small(), seed=0)
    extract.PART = 8
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    extract.embed_to(Path(table), recipe, Store.open(store), batch_size=4)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
