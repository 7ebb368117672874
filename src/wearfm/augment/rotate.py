"""How a device sits on the body: turned a little, or with its axes named otherwise.

Channels come in groups of three, x y z of one sensor. All sensors of a row sit in one device, so they turn together.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from wearfm.augment.permute import draw_orders
from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws


def rotate(signal: Tensor, valid: Tensor, draws: Draws, *, largest_angle: float) -> tuple[Tensor, Tensor]:
    """Return the vectors of each row turned about a random axis by a random angle; their norms stay.

    signal, valid: (B, C, T), C a multiple of 3. largest_angle: radians; the angle is uniform between -largest_angle and it,
    the axis has the direction of a point uniform in the cube around the origin [Yuan et al. 2024, arXiv:2206.02909]. A
    moment at which one of the three is not valid has no vector: it is 0 and not valid in all three.
    """
    groups = _groups(signal)
    rows = len(signal)
    axis = 2 * draws.uniform(rows, 3, device=signal.device) - 1
    angle = largest_angle * (2 * draws.uniform(rows, device=signal.device) - 1)
    is_whole = _by_three(valid).all(dim=2, keepdim=True).expand(rows, groups, 3, -1)
    vectors = torch.where(is_whole, _by_three(signal), 0.0)  # (B, C, T) -> (B, G, 3, T)
    with torch.autocast(signal.device.type, enabled=False):
        turned = torch.einsum("bij,bgjt->bgit", rotation(axis, angle).to(signal.dtype), vectors)
    return turned.flatten(1, 2), is_whole.flatten(1, 2)


def switch_axes(signal: Tensor, valid: Tensor, draws: Draws, *, with_identity: bool = True) -> tuple[Tensor, Tensor]:
    """Return the three axes of each row in a random order, and their validity with them.

    signal, valid: (B, C, T), C a multiple of 3. with_identity: whether the order they have is one of the six.
    """
    groups = _groups(signal)
    order = draw_orders(len(signal), 3, draws, with_identity=with_identity, device=signal.device)
    index = order[:, None, :, None].expand(-1, groups, 3, signal.shape[2])  # (B, 3) -> (B, G, 3, T)
    return _by_three(signal).gather(2, index).flatten(1, 2), _by_three(valid).gather(2, index).flatten(1, 2)


def rotation(axis: Tensor, angle: Tensor) -> Tensor:
    """Return the matrices that turn column vectors about an axis, (B, 3) of any length and (B,) radians -> (B, 3, 3).

    Rodrigues' formula: R = I + sin(a) K + (1 - cos(a)) K², where K x = axis x x (vector product).
    """
    x, y, z = F.normalize(axis, dim=1).unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), dim=1).view(-1, 3, 3)  # K
    sine, cosine = angle.sin()[:, None, None], angle.cos()[:, None, None]
    with torch.autocast(axis.device.type, enabled=False):
        square: Tensor = cross @ cross
    return torch.eye(3, dtype=axis.dtype, device=axis.device) + sine * cross + (1 - cosine) * square


def _groups(signal: Tensor) -> int:
    """Return how many sensors of three axes there are."""
    groups, rest = divmod(signal.shape[1], 3)
    if rest or groups == 0:
        raise BadConfiguration(f"{signal.shape[1]} channels are not sensors of three axes each; give x, y, z of every sensor")
    return groups


def _by_three(values: Tensor) -> Tensor:
    return values.reshape(len(values), -1, 3, values.shape[2])  # (B, C, T) -> (B, G, 3, T)
