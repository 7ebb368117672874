"""A masked autoencoder over patches of which only those that are there are computed.

    (B, N, patch), (B, N) seen ──PatchEncoder──▶ (total, D) latent tokens, packed ──PatchDecoder──▶ (B, N, patch) guesses

The encoder never gets a token that is missing or hidden; the decoder sees one mask token in place of each. He et al. 2022
(arXiv:2111.06377), section 3, without their padding to equal counts: see `nn.packing`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wearfm.nn.backbones.transformer import Block, in_parts
from wearfm.nn.masking import gather_tokens
from wearfm.nn.packing import PackedBlock, Packing


class PatchEncoder(nn.Module):
    """Patches into latent tokens. positions: (N, width), added to the tokens; made by a formula, no part of the weights."""

    positions: Tensor

    def __init__(self, patch: int, *, positions: Tensor, depth: int, heads: int, mlp_width: int) -> None:
        super().__init__()
        width = positions.shape[1]
        self.patches = nn.Linear(patch, width)
        self.register_buffer("positions", positions, persistent=False)
        self.blocks = nn.ModuleList(PackedBlock(width, heads=heads, mlp_width=mlp_width) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, values: Tensor, rows: Packing) -> Tensor:
        """Return the packed tokens, (B, N, patch) -> (total, D); nothing else is computed."""
        tokens = self.patches(rows.pack(values)) + self.positions[rows.column]
        for block in self.blocks:
            tokens = block(tokens, lengths=rows.lengths)
        return self.norm(tokens)  # type: ignore[no-any-return]

    def masked(self, values: Tensor, seen: Tensor, kept: Tensor) -> Tensor:
        """Return the kept tokens, (B, N, patch) and (B, M) -> (B, M, D), those attended to that are seen, (B, N) bool.

        In a row where none of them is, all look at the first: nobody uses the outcome, but it must be finite.
        """
        visible = seen.gather(1, kept)
        visible = torch.cat([visible[:, :1] | ~visible.any(dim=1, keepdim=True), visible[:, 1:]], dim=1)
        tokens = self.patches(gather_tokens(values, kept)) + self.positions[kept]
        for block in self.blocks:
            tokens = in_parts(block, tokens, visible)
        return self.norm(tokens)  # type: ignore[no-any-return]


class PatchDecoder(nn.Module):
    """Latent tokens, one mask token for all others, back to patches. width: of the encoder; positions: (N, own width)."""

    positions: Tensor

    def __init__(self, patch: int, *, width: int, positions: Tensor, depth: int, heads: int, mlp_width: int) -> None:
        super().__init__()
        own = positions.shape[1]
        self.embed = nn.Linear(width, own)
        self.mask_token = nn.Parameter(torch.zeros(own))
        self.register_buffer("positions", positions, persistent=False)
        self.blocks = nn.ModuleList(Block(own, heads=heads, mlp_width=mlp_width) for _ in range(depth))
        self.norm = nn.LayerNorm(own, eps=1e-6)
        self.predict = nn.Linear(own, patch)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the patches of embedded tokens and mask tokens, which all see each other, (B, N, D) -> (B, N, patch)."""
        tokens = tokens + self.positions
        for block in self.blocks:
            tokens = in_parts(block, tokens)
        return self.predict(self.norm(tokens))  # type: ignore[no-any-return]


def every_place(seen: Tensor) -> Tensor:
    """Return the places of all tokens, (B, N) -> (B, N) int64: what `PatchEncoder.masked` keeps if it leaves out nothing."""
    return torch.arange(seen.shape[1], device=seen.device).expand(len(seen), -1)
