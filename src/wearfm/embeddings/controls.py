"""The controls that stand beside every model: what hand-made features and an untrained network make of the same windows."""

from __future__ import annotations

from dataclasses import replace

from wearfm.embeddings.extract import Cut, Progress, embed
from wearfm.embeddings.handmade import NAME as STATISTICS_NAME
from wearfm.embeddings.handmade import statistics_table
from wearfm.embeddings.table import EmbeddingTable
from wearfm.recipes import RECIPES, build
from wearfm.recipes.base import Recipe, config_from_json
from wearfm.windows.contract import InputContract
from wearfm.windows.load import spread
from wearfm.windows.source import Source
from wearfm.windows.split import pseudonym

RANDOM = "random weights"


def controls(
    table: EmbeddingTable, source: Source, *, seed: int = 0, progress: Progress | None = None
) -> dict[str, EmbeddingTable]:
    """Return name -> table of the controls for an embedding table, on the same windows of the same source.

    "hand-made statistics" always; "random weights", the same network as it was before training, if the table comes from
    a recipe. seed: of the random weights.
    """
    contract, cut = _windows(table)
    found = {STATISTICS_NAME: statistics_table(source, contract, cut=cut)}
    recipe = RECIPES.get(table.header.recipe)
    if recipe is not None:
        untrained = build(recipe, config_from_json(recipe, table.header.config), seed=seed)
        _calibrate(untrained, table, source, cut)
        random = embed(untrained, source, cut=cut, progress=progress)
        found[RANDOM] = replace(random, header=replace(random.header, recipe=f"{recipe.name}, {RANDOM}"))
    return found


def handmade(table: EmbeddingTable, source: Source) -> dict[str, EmbeddingTable]:
    """Return the hand-made statistics of the same windows, by name; nothing for vectors that do not say what a window is."""
    if "cut" not in table.header.contract:
        return {}
    contract, cut = _windows(table)
    return {STATISTICS_NAME: statistics_table(source, contract, cut=cut)}


def _windows(table: EmbeddingTable) -> tuple[InputContract, Cut]:
    """Return what the table's header says of its windows."""
    plain = dict(table.header.contract)
    cut = Cut(**plain.pop("cut"))
    return InputContract.from_json(plain), cut


def _calibrate(untrained: Recipe, table: EmbeddingTable, source: Source, cut: Cut) -> None:
    """Give an untrained network the scale that training would have: of the people seen there, of everybody if nobody was."""
    if untrained.calibration_windows == 0:
        return
    taught = [row.participant for row in source.recordings() if pseudonym(row.participant) in table.header.seen]
    view, index = replace(cut, participants=taught or cut.participants).index(source, untrained.input, reader=untrained.name)
    untrained.calibrate(spread(view, index, count=untrained.calibration_windows, batch_size=64))
