"""Mamba-2: a sequence layer whose cost grows with the length, not with its square.

Dao & Gu 2024 (arXiv:2405.21060). Every head carries a state of P x S numbers, which decays, takes in and is read out:

    h[n] = exp(a * dt[n]) h[n-1] + dt[n] x[n] b[n]^T        a < 0 per head; dt > 0 per head and step
    y[n] = h[n] c[n] + d x[n]                               b, c: (S,) per step, shared by all heads

`scan` computes this in chunks: within a chunk as a masked matrix of Q x Q weights (the dual form, section 6), from chunk to
chunk as the recurrence above. The result does not depend on Q. Parameters have the names and the layout of the public
mamba_ssm package, so that its weights can be read; no kernel of that package is needed, and no line of it is used.

Ours: `visible`. A hidden step is as if it were not in the sequence: it neither moves the state nor enters a convolution.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.errors import BadConfiguration
from wearfm.nn.masking import gather_tokens

DT_LOWEST, DT_HIGHEST, DT_FLOOR = 1e-3, 0.1, 1e-4  # first steps of the state, as in Mamba (arXiv:2312.00752, section 3.6)
A_LOWEST, A_HIGHEST = 1.0, 16.0  # first rates of decay of the heads


def scan(values: Tensor, dt: Tensor, rate: Tensor, enter: Tensor, leave: Tensor, *, chunk: int) -> Tensor:
    """Return y of the recurrence above without its last term, (B, N, H, P).

    values: (B, N, H, P), x. dt: (B, N, H), >= 0; a step of 0 leaves the state as it is. rate: (H,), a, below 0. enter,
    leave: (B, N, S), b and c. chunk: the largest Q, steps computed at once; changes time and memory, not the result. All
    chunks are equally long: 168 steps of at most 64 are three of 56. Dao & Gu 2024, section 6 and listing 1.
    """
    B, N, H, P = values.shape
    chunk = -(-N // -(-N // chunk))
    pad = -N % chunk
    values, dt, enter, leave = (_chunked(part, pad, chunk) for part in (values * dt[..., None], dt, enter, leave))
    decay = (dt * rate).cumsum(dim=2)  # (B, K, Q, H), logarithm of what is left of the chunk's first state
    last = decay[:, :, -1]  # (B, K, H)

    between = decay.transpose(2, 3)[..., :, None] - decay.transpose(2, 3)[..., None, :]  # (B, K, H, Q, Q), to n from m
    is_later = torch.ones(chunk, chunk, dtype=torch.bool, device=values.device).triu(1)
    weights = torch.einsum("bkns,bkms->bknm", leave, enter)[:, :, None] * between.masked_fill(is_later, -torch.inf).exp()
    within = torch.einsum("bkhnm,bkmhp->bknhp", weights, values)

    kept = values * (last[:, :, None] - decay).exp()[..., None]
    gained = torch.einsum("bkmhp,bkms->bkhps", kept, enter)  # (B, K, H, P, S), what each chunk adds to the state
    before = _states_before(gained, last.exp())
    carried = torch.einsum("bkhps,bkns->bknhp", before, leave) * decay.exp()[..., None]
    return (within + carried).reshape(B, N + pad, H, P)[:, :N]


def _chunked(part: Tensor, pad: int, chunk: int) -> Tensor:
    """Return (B, N, ...) -> (B, K, Q, ...), filled up with zeros."""
    filled = torch.cat([part, part.new_zeros(len(part), pad, *part.shape[2:])], dim=1)
    return filled.reshape(len(part), -1, chunk, *part.shape[2:])


def _states_before(gained: Tensor, left: Tensor) -> Tensor:
    """Return the state with which each chunk begins, (B, K, H, P, S) and (B, K, H) -> (B, K, H, P, S)."""
    state = torch.zeros_like(gained[:, 0])
    before = []
    for gain, share in zip(gained.unbind(1), left.unbind(1), strict=True):
        before.append(state)
        state = state * share[..., None, None] + gain
    return torch.stack(before, dim=1)


class GatedNorm(nn.Module):
    """RMS norm of what a gate lets through: x silu(z) / rms(x silu(z)) * weight. Dao & Gu 2024, section 7.1."""

    def __init__(self, width: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, values: Tensor, gate: Tensor) -> Tensor:
        """Return (..., width) and (..., width) -> (..., width)."""
        gated = values * F.silu(gate)
        return gated * (gated.square().mean(dim=-1, keepdim=True) + self.eps).rsqrt() * self.weight


class Mamba2(nn.Module):
    """One layer that looks back: (B, N, D) -> (B, N, D), step n from the visible steps up to n.

        in_proj ─┬─ z ────────────────────────────────────────╮
                 ├─ x, b, c ── causal conv ── silu ─┐         │
                 └─ dt ── softplus(+ bias) ─────────┴─ scan ── gated norm ── out_proj

    states: S. conv: steps that the convolution sees, the last one included. expand: width of x over D. head_width: P.
    """

    def __init__(
        self, width: int, *, states: int = 64, conv: int = 4, expand: int = 2, head_width: int = 64, chunk: int = 64
    ) -> None:
        super().__init__()
        inner = expand * width
        if inner % head_width:
            raise BadConfiguration(f"width {inner} does not divide into heads of {head_width}; use a multiple of it")
        self.inner, self.states, self.head_width, self.chunk = inner, states, head_width, chunk
        heads = inner // head_width
        self.in_proj = nn.Linear(width, 2 * inner + 2 * states + heads, bias=False)
        self.conv1d = nn.Conv1d(inner + 2 * states, inner + 2 * states, conv, groups=inner + 2 * states)
        self.dt_bias = nn.Parameter(torch.zeros(heads))
        self.A_log = nn.Parameter(torch.zeros(heads))
        self.D = nn.Parameter(torch.ones(heads))
        self.norm = GatedNorm(inner)
        self.out_proj = nn.Linear(inner, width, bias=False)

    def forward(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """Return what each step makes of those before it, (B, N, D) -> (B, N, D).

        visible: (B, N) bool; the other steps are as if they were not in the sequence, and give 0. None for all.
        """
        if visible is None:
            return self._mixed(tokens)
        order = (~visible).to(torch.uint8).argsort(dim=1, stable=True)  # visible steps first, in their order
        mixed = self._mixed(gather_tokens(tokens, order))  # what comes after a step cannot move it
        restored = gather_tokens(mixed, order.argsort(dim=1))
        return torch.where(visible[..., None], restored, 0.0)

    def _mixed(self, tokens: Tensor) -> Tensor:
        widths = [self.inner, self.inner + 2 * self.states, len(self.D)]
        gate, moving, dt = torch.split(self.in_proj(tokens), widths, dim=-1)
        past = F.pad(moving.transpose(1, 2), (self.conv1d.kernel_size[0] - 1, 0))  # (B, N, D') -> (B, D', conv - 1 + N)
        moving = F.silu(self.conv1d(past)).transpose(1, 2)
        with torch.autocast(tokens.device.type, enabled=False):  # a state is a long sum: float32 at least
            gate, moving, dt = (_precise(part) for part in (gate, moving, dt))
            values, enter, leave = torch.split(moving, [self.inner, self.states, self.states], dim=-1)
            heads = values.reshape(*values.shape[:2], -1, self.head_width)  # (B, N, H P) -> (B, N, H, P)
            dt = F.softplus(dt + self.dt_bias)
            mixed = scan(heads, dt, -self.A_log.exp(), enter, leave, chunk=self.chunk) + self.D[:, None] * heads
            normed = self.norm(mixed.flatten(2), gate)
        return self.out_proj(normed)  # type: ignore[no-any-return]


class Bidirectional(nn.Module):
    """Two such layers, one of which reads the sequence from its end, and a linear map of both: (B, N, D) -> (B, N, D)."""

    def __init__(
        self, width: int, *, states: int = 64, conv: int = 4, expand: int = 2, head_width: int = 64, chunk: int = 64
    ) -> None:
        super().__init__()
        sizes = {"states": states, "conv": conv, "expand": expand, "head_width": head_width, "chunk": chunk}
        self.fwd = Mamba2(width, **sizes)
        self.bwd = Mamba2(width, **sizes)
        self.proj = nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """Return what each step makes of all visible ones; of a hidden step only the bias is left."""
        flipped = None if visible is None else visible.flip(1)
        back = self.bwd(tokens.flip(1), flipped).flip(1)
        return self.proj(torch.cat([self.fwd(tokens, visible), back], dim=-1))  # type: ignore[no-any-return]


@torch.no_grad()
def start_states(module: nn.Module, generator: torch.Generator) -> None:
    """Draw the first decay rates and step sizes of every Mamba-2 layer below a module; d and norms stay 1.

    a uniform on [-16, -1]; dt log-uniform on [0.001, 0.1], at least 0.0001, through the inverse of softplus into the bias.
    Gu & Dao 2023 (arXiv:2312.00752), section 3.6.
    """
    for layer in module.modules():
        if isinstance(layer, Mamba2) and not layer.A_log.is_meta:
            layer.A_log.uniform_(A_LOWEST, A_HIGHEST, generator=generator).log_()
            layer.dt_bias.uniform_(math.log(DT_LOWEST), math.log(DT_HIGHEST), generator=generator)
            dt = layer.dt_bias.exp().clamp(min=DT_FLOOR)
            layer.dt_bias.copy_(dt + torch.log(-torch.expm1(-dt)))


def _precise(part: Tensor) -> Tensor:
    """Return a half-precision tensor in float32, any other unchanged."""
    return part.float() if part.dtype in (torch.float16, torch.bfloat16) else part
