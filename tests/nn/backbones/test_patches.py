"""Packed patches: what one row alone would give, what masking would give, and nothing computed for what is not there."""

import pytest
import torch
from torch import Tensor

from wearfm.nn.backbones.patches import PatchDecoder, PatchEncoder, every_place
from wearfm.nn.initial import xavier
from wearfm.nn.packing import Packing
from wearfm.nn.positions import sincos_grid

N, PATCH, WIDTH = 6, 4, 8


def _encoder() -> PatchEncoder:
    encoder = PatchEncoder(PATCH, positions=sincos_grid(1, N, WIDTH), depth=2, heads=2, mlp_width=12)
    xavier(encoder, torch.Generator().manual_seed(0))
    return encoder


def _patches() -> tuple[Tensor, Tensor]:
    """Five windows with all, some, one and none of their patches."""
    values = torch.randn(5, N, PATCH, generator=torch.Generator().manual_seed(1))
    seen = torch.ones(5, N, dtype=torch.bool)
    seen[1, 2:4], seen[2, 1:], seen[3] = False, False, False
    return values, seen


def test_each_row_gets_what_its_own_tokens_alone_would_give() -> None:
    encoder, (values, seen) = _encoder(), _patches()
    rows = Packing.of(seen)
    packed = encoder(values, rows)
    assert packed.shape == (int(seen.sum()), WIDTH)
    for row in range(len(seen)):
        if not seen[row].any():
            continue
        tokens = encoder.patches(values[row, seen[row]]) + encoder.positions[seen[row]]
        for block in encoder.blocks:
            tokens = block(tokens[None])[0]
        torch.testing.assert_close(packed[rows.row == row], encoder.norm(tokens))


def test_leaving_tokens_out_equals_masking_them() -> None:
    encoder, (values, seen) = _encoder(), _patches()
    rows = Packing.of(seen)
    masked = encoder.masked(values, seen, every_place(seen))
    assert torch.isfinite(masked).all()
    torch.testing.assert_close(rows.pack(masked), encoder(values, rows))


@pytest.mark.parametrize("filling", [float("nan"), 1e6])
def test_what_is_not_seen_is_not_read(filling: float) -> None:
    encoder, (values, seen) = _encoder(), _patches()
    rows = Packing.of(seen)
    filled = torch.where(seen[..., None], values, filling)
    assert torch.equal(encoder(filled, rows), encoder(values, rows))


def test_the_decoder_tells_places_apart_by_position_only() -> None:
    decoder = PatchDecoder(PATCH, width=WIDTH, positions=sincos_grid(1, N, 4), depth=1, heads=2, mlp_width=8)
    xavier(decoder, torch.Generator().manual_seed(0))
    hidden = decoder.mask_token.expand(2, N, -1)
    guess = decoder(hidden)
    assert guess.shape == (2, N, PATCH)
    assert torch.equal(guess[0], guess[1])
    assert torch.pdist(guess[0]).min() > 0
    decoder.positions.zero_()
    torch.testing.assert_close(decoder(hidden)[:, 1:], decoder(hidden)[:, :-1])
