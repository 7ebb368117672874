"""wearfm: foundation models for wearable biosignals; raw recordings in, honest health predictions out.

    recordings = wearfm.read("night.edf")              any known format, by content
    wearfm.prepare(["raw/"], "store/")                 recordings into a store
    store = wearfm.Store.open("store/")
    recipe = wearfm.load("runs/a")                     a trained recipe; wearfm.create("normwear") for a new one
    table = wearfm.embed(recipe, store)                one vector a window
    report = wearfm.evaluate(table, tasks, store=store)
    risks = wearfm.assess_risk(table, "outcomes.csv")  who falls ill sooner, outcome by outcome
    report = wearfm.finetune(recipe, store, task, ...)  a head, taught labels, judged on others
    made = wearfm.distil(recipe, store, student, ...)  what a student with other sensors learns from a trained recipe
    report = wearfm.impute(recipe, store)              what a masked recipe fills in, beside simple imputation

Names are imported when they are first used, so that `import wearfm` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wearfm.distilling import distil
    from wearfm.embeddings.embedder import Embedder
    from wearfm.embeddings.extract import embed, embed_to
    from wearfm.embeddings.table import EmbeddingTable
    from wearfm.evaluation.report import Report
    from wearfm.evaluation.task import Task
    from wearfm.finetuning import finetune
    from wearfm.imputation import impute
    from wearfm.preparation.prepare import prepare, prepare_recordings
    from wearfm.readers import read
    from wearfm.recipes import create, import_original
    from wearfm.signals.recording import Channel, Events, Recording
    from wearfm.store import Store
    from wearfm.training import TrainingConfig, train
    from wearfm.workflow import assess_risk, evaluate, load

_ROOMS = {
    "Channel": "signals.recording",
    "Embedder": "embeddings.embedder",
    "EmbeddingTable": "embeddings.table",
    "Events": "signals.recording",
    "Recording": "signals.recording",
    "Report": "evaluation.report",
    "Store": "store",
    "Task": "evaluation.task",
    "TrainingConfig": "training",
    "assess_risk": "workflow",
    "create": "recipes",
    "distil": "distilling",
    "embed": "embeddings.extract",
    "embed_to": "embeddings.extract",
    "evaluate": "workflow",
    "finetune": "finetuning",
    "import_original": "recipes",
    "impute": "imputation",
    "load": "workflow",
    "prepare": "preparation",
    "prepare_recordings": "preparation",
    "read": "readers",
    "train": "training",
}

__all__ = [
    "Channel",
    "Embedder",
    "EmbeddingTable",
    "Events",
    "Recording",
    "Report",
    "Store",
    "Task",
    "TrainingConfig",
    "assess_risk",
    "create",
    "distil",
    "embed",
    "embed_to",
    "evaluate",
    "finetune",
    "import_original",
    "impute",
    "load",
    "prepare",
    "prepare_recordings",
    "read",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'wearfm' has no attribute {name!r}")
    return getattr(import_module(f"wearfm.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return __all__
