"""TROIKA: what is the heart rate of a runner, from the wrist; windows of 8 s are meant, as in the reference."""

from __future__ import annotations

from wearfm.evaluation.labels import event_match, of_dataset
from wearfm.evaluation.task import Published, Task

TASK = Task(
    name="troika_heart_rate",
    question="What is the heart rate?",
    dataset="troika",
    kind="regression",
    unit="1/min",
    level="window",
    label=of_dataset("troika", event_match("hr")),
    metric="mae",
    citation="Zhang et al. 2015, IEEE TBME 62(2):522, doi:10.1109/TBME.2014.2359372",
    published=(
        Published(
            model="TROIKA (signal decomposition, sparse spectra, peak tracking)",
            metric="mae",
            value=2.34,
            protocol="IEEE TBME 62(2):522: windows of 8 s every 2 s, each started from the one before, 12 recordings",
            matches=False,
            why_not="a tracker over a whole run without held-out people there, single windows of people not seen here",
        ),
    ),
)
