"""What one optimiser step costs in arithmetic."""

from __future__ import annotations

import torch
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from wearfm.nn.draws import Draws
from wearfm.training.distributed import Door
from wearfm.windows.batch import Batch


def batch_flops(door: Door, batch: Batch, draws: Draws) -> int:
    """Return the floating-point operations of loss and gradient of one batch, matrix products and convolutions only.

    Computed once for counting: no gradient, no running statistic and no random number of the run is touched.
    """
    buffers = {name: buffer.detach().clone() for name, buffer in door.named_buffers()}
    trained = [p for p in door.parameters() if p.requires_grad]
    with FlopCounterMode(display=False) as counter:
        loss = functional_call(door, buffers, (batch, draws))["loss"]
        torch.autograd.grad(loss, trained, allow_unused=True)
    return int(counter.get_total_flops())
