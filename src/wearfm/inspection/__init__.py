"""Inspection: what is in a recording, in numbers, in a line and in a picture."""

from wearfm.inspection.look import Look, look
from wearfm.inspection.outline import Outline, outline, sparkline

__all__ = ["Look", "Outline", "look", "outline", "sparkline"]
