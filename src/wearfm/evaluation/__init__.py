"""Evaluation: embedding tables and tasks in, an honest report out. Sees arrays, people and labels, never a model."""

from wearfm.evaluation.evaluate import evaluate
from wearfm.evaluation.intervals import Difference, Interval, compare, interval, resample
from wearfm.evaluation.metrics import METRICS, Metric, Outcome, calibrate, score
from wearfm.evaluation.probes import PROBES, Prediction, Target, predict
from wearfm.evaluation.report import ExampleWindow, Report, Score, TaskResult
from wearfm.evaluation.task import Published, Rows, StoreTruth, Task, Truth
from wearfm.evaluation.tasks import TASKS

__all__ = [
    "METRICS",
    "PROBES",
    "TASKS",
    "Difference",
    "ExampleWindow",
    "Interval",
    "Metric",
    "Outcome",
    "Prediction",
    "Published",
    "Report",
    "Rows",
    "Score",
    "StoreTruth",
    "Target",
    "Task",
    "TaskResult",
    "Truth",
    "calibrate",
    "compare",
    "evaluate",
    "interval",
    "predict",
    "resample",
    "score",
]
