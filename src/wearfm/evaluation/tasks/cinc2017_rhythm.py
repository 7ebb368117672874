"""CinC 2017: which rhythm a hand-held ECG shows. A participant is a record: the set does not say who was recorded."""

from __future__ import annotations

from wearfm.evaluation.labels import fact, of_dataset
from wearfm.evaluation.task import Published, Task

TASK = Task(
    name="cinc2017_rhythm",
    question="Does this ECG show a normal rhythm, atrial fibrillation, another rhythm, or too much noise to tell?",
    dataset="cinc2017",
    kind="multiclass",
    level="recording",
    label=of_dataset("cinc2017", fact("rhythm")),
    classes=("normal", "atrial fibrillation", "other", "noisy"),
    metric="auroc_ovo",
    citation="Clifford et al. 2017, Computing in Cardiology 44, doi:10.22489/CinC.2017.065-469",
    published=(
        Published(
            model="the four best entries of the challenge (Clifford et al. 2017)",
            metric="f1_macro",
            value=0.83,
            protocol="doi:10.22489/CinC.2017.065-469: hidden test set of 3,658 records, mean F1 of normal, AF and other",
            matches=False,
            why_not="F1 of the noisy class is not in theirs; 8,528 records to learn from there, a part with more AF here",
        ),
    ),
)
