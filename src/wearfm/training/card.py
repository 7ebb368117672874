"""The card of a checkpoint: what somebody who finds the weights must know before using them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wearfm.windows.contract import InputContract

_CARD = """# {recipe}, step {step}

| | |
|---|---|
| weights (sha256) | `{weight_hash}` |
| input | {streams}; windows of {window_s:g} s; at least {min_valid:.0%} of the samples valid |
| trained on | {windows} windows of {participants} participants, {signal_hours:.1f} signal hours seen |
| store | `{store}` |
| settings | seed {seed}, {batch_size} samples a step, {step} steps |
| measured | {metrics} |
| code | wearfm {version}, torch {torch} |

The embedding is no diagnosis. It was {checked} on people who were not trained on. The licence of the weights follows from the
training data: state it here before passing them on.{notes}
"""


def card(provenance: Mapping[str, Any], contract: InputContract) -> str:
    """Return the card in Markdown; provenance: as written beside it, with "notes" (sentences) where there are any."""
    streams = ", ".join(
        f"{s.channels or 'any number of'} x {'any modality' if s.modality == '*' else s.modality}"
        f" at {f'{s.rate_hz:g} Hz' if s.rate_hz else 'the rate of the source'}"
        for s in contract.streams
    )
    metrics = provenance["metrics"]
    has_validation = any(name.startswith("val_") for name in metrics)
    return _CARD.format(
        **{key: provenance[key] for key in ("recipe", "step", "weight_hash", "signal_hours", "version", "torch")},
        streams=streams,
        window_s=contract.window_s,
        min_valid=contract.min_valid,
        windows=provenance["data"].get("windows", "unknown"),
        participants=provenance["data"].get("participants", "unknown"),
        store=provenance["data"].get("store", "unknown"),
        seed=provenance["training"]["seed"],
        batch_size=provenance["training"]["batch_size"],
        metrics=", ".join(f"{name} {value:.4g}" for name, value in metrics.items()) or "nothing",
        checked="validated" if has_validation else "not validated",
        notes="".join(f"\n\n{note}" for note in provenance.get("notes", ())),
    )
