"""Signals: what was measured, where it is valid, and what can be computed from it without a model.

spans, units, quality_record, recording, door     the vocabulary: channels, gaps, units, the fate of every sample
pieces, filter, resample                          whole channels, never across a gap
indices, quality, peaks, heart, statistics        what a channel or a window says of itself
"""

from wearfm.signals.door import Admitted, admit
from wearfm.signals.filter import (
    Butterworth,
    Chebyshev2,
    Detrend,
    Filter,
    Gaussian,
    MovingAverage,
    Notch,
    filter_channel,
    filter_rows,
    shortfall,
)
from wearfm.signals.heart import Intervals, Variability, find_artefacts, heart_rate, intervals, spectral_power, variability
from wearfm.signals.peaks import (
    Beats,
    find_pulse_peaks,
    find_r_peaks,
    find_r_peaks_by_rules,
    pulse_onsets,
    pulse_peaks,
    r_peaks,
    refine,
)
from wearfm.signals.pieces import Piece, extend, pieces
from wearfm.signals.quality import LIMITS, Assessment, Limit, quality
from wearfm.signals.quality_record import Action, ChannelQuality, Finding, Quality
from wearfm.signals.recording import SECOND, Channel, Clock, Events, Fact, Recording, Samples
from wearfm.signals.resample import rational, reach, resample_channel, resample_rows
from wearfm.signals.spans import Spans
from wearfm.signals.statistics import STATISTICS, statistics
from wearfm.signals.units import MODALITIES, Modality, affine, modality, unit

__all__ = [
    "Action",
    "Admitted",
    "Assessment",
    "Beats",
    "Butterworth",
    "Channel",
    "ChannelQuality",
    "Chebyshev2",
    "Clock",
    "Detrend",
    "Events",
    "Fact",
    "Filter",
    "Finding",
    "Gaussian",
    "Intervals",
    "LIMITS",
    "Limit",
    "MODALITIES",
    "Modality",
    "MovingAverage",
    "Notch",
    "Piece",
    "Quality",
    "Recording",
    "SECOND",
    "STATISTICS",
    "Samples",
    "Spans",
    "Variability",
    "admit",
    "affine",
    "extend",
    "filter_channel",
    "filter_rows",
    "find_artefacts",
    "find_pulse_peaks",
    "find_r_peaks",
    "find_r_peaks_by_rules",
    "heart_rate",
    "intervals",
    "modality",
    "pieces",
    "pulse_onsets",
    "pulse_peaks",
    "quality",
    "r_peaks",
    "rational",
    "reach",
    "refine",
    "resample_channel",
    "resample_rows",
    "shortfall",
    "spectral_power",
    "statistics",
    "unit",
    "variability",
]
