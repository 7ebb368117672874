"""Reading a sequence both ways, with its end where it ends."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class BothWays(nn.Module):
    """A bidirectional LSTM (Hochreiter & Schmidhuber 1997; Graves & Schmidhuber 2005), `hidden` numbers each way.

    Its tensors carry torch's names. No dropout between its layers: torch would draw it from the global generator.
    """

    def __init__(self, width: int, *, hidden: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, hidden, num_layers=layers, batch_first=True, bidirectional=True)

    def forward(self, tokens: Tensor, length: Tensor | None = None) -> Tensor:
        """Return the states, (B, N, D) -> (B, N, 2 hidden).

        length: (B,) where each row ends; behind it states are 0, and the way back begins there. None: all N are read.
        """
        if length is None:
            return self.lstm(tokens)[0]  # type: ignore[no-any-return]
        packed = pack_padded_sequence(tokens, length.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=tokens.shape[1])
        return states * (torch.arange(tokens.shape[1], device=tokens.device) < length[:, None])[..., None]


def last_of(there: Tensor) -> Tensor:
    """Return where each row ends, one behind its last True, (B, N) bool -> (B,) int64; 0 for a row without any."""
    place = torch.arange(1, there.shape[1] + 1, device=there.device)
    return (there * place).amax(dim=1)
