"""Engines: the same work on one machine or on a cluster, results in order."""

from wearfm.engines.engine import ENGINES, Engine, EngineName, choose

__all__ = ["ENGINES", "Engine", "EngineName", "choose"]
