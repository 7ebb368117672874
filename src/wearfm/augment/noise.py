"""White noise."""

from __future__ import annotations

from torch import Tensor

from wearfm.nn.draws import Draws


def white_noise(signal: Tensor, valid: Tensor, draws: Draws, *, lowest: float, highest: float) -> tuple[Tensor, Tensor]:
    """Return the signal plus Gaussian noise, independent in every sample and channel.

    signal, valid: (B, C, T). lowest, highest: the noise's standard deviation, in units of the signal, is uniform between
    them, one for each row. Gaps get no noise: they stay 0 and not valid.
    """
    rows, channels, length = signal.shape
    deviation = lowest + (highest - lowest) * draws.uniform(rows, 1, 1, device=signal.device)
    noise = deviation * draws.normal(rows, channels, length, device=signal.device)
    return signal + noise.to(signal.dtype) * valid, valid
