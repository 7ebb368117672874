"""Starting values of weights, drawn from a generator and never from the global one."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def xavier(module: nn.Module, generator: torch.Generator) -> None:
    """Fill every matrix and filter below a module with Glorot's uniform numbers and every bias with 0.

    Norms keep 1 and 0; tensors of a module on the meta device are left alone. Vectors that are neither (class tokens,
    mask tokens) are normal with standard deviation 0.02. Glorot & Bengio 2010, eq. 16, the choice of masked autoencoders
    (He et al. 2022, arXiv:2111.06377, appendix A.1).
    """
    for name, parameter in module.named_parameters():
        kind = name.rpartition(".")[2]
        if parameter.is_meta:
            continue
        if kind.endswith("token"):
            parameter.normal_(std=0.02, generator=generator)
        elif kind == "bias":
            parameter.zero_()
        elif parameter.ndim > 1:
            nn.init.xavier_uniform_(parameter.flatten(1), generator=generator)


@torch.no_grad()
def uniform_by_fan_in(module: nn.Module, generator: torch.Generator) -> None:
    """Draw weights and biases uniform within 1 / sqrt(fan in), torch's own default, from a generator; norms stay 1 and 0.

    Fan in is what one entry of the weight's first axis holds, also for transposed convolutions, as torch has it; of a
    recurrent layer it is the width of its state.
    """
    for layer in module.modules():
        if isinstance(layer, nn.RNNBase):
            for parameter in layer.parameters(recurse=False):
                parameter.uniform_(-(layer.hidden_size**-0.5), layer.hidden_size**-0.5, generator=generator)
        if isinstance(layer, nn.Conv1d | nn.ConvTranspose1d | nn.Linear):
            bound = layer.weight[0].numel() ** -0.5
            for parameter in layer.parameters(recurse=False):
                parameter.uniform_(-bound, bound, generator=generator)
