"""Turning a window upside down, and back to front."""

from __future__ import annotations

from torch import Tensor

from wearfm.nn.draws import Draws


def negate(signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:  # noqa: ARG001
    """Return the signal times -1; nothing is drawn.

    signal, valid: (B, C, T). For a sensor whose polarity is a matter of how it is wired or worn.
    """
    return -signal, valid


def reverse(signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:  # noqa: ARG001
    """Return the window played backwards, all channels together, their gaps with them; nothing is drawn.

    signal, valid: (B, C, T). As a pretext task it is the arrow of time: Wei et al. 2018 (CVPR), for accelerometers Saeed et
    al. 2019 (arXiv:1907.11879).
    """
    return signal.flip(2), valid.flip(2)
