"""NormWear against the outputs of the original code: transforms, encoder, pretraining, preprocessing, resampling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.parity.oracle import Oracle, check, load, state
from wearfm.nn.masking import Mask
from wearfm.nn.pooling import sum_scales
from wearfm.nn.positions import resize_grid, sincos_grid
from wearfm.nn.sinc import resample
from wearfm.objectives.reconstruction import reconstruction_error
from wearfm.recipes.normwear import MASKS, NormWear, original_name
from wearfm.signals.conditioning import condition

pytestmark = [pytest.mark.parity, pytest.mark.slow]
SCHEMES = {"random": "unstructured", "struc": "structured"}


class Stored:
    """Draws that return stored noise in the order in which it is asked for."""

    def __init__(self, *noise: Tensor) -> None:
        self.noise = list(noise)

    def uniform(self, rows: int, *shape: int, device: torch.device | None = None) -> Tensor:
        noise = self.noise.pop(0)
        assert tuple(noise.shape) == (rows, *shape)
        return noise


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "normwear")


@pytest.fixture(scope="module")
def recipe(oracle: Oracle) -> NormWear:
    """The original's network under the weight rule, through the importer; the tables come from the formula."""
    network = oracle.json["networks"]["backbone"]
    shapes = {key: shape for key, shape, _ in network["state_dict"]}
    (rows, columns), (height, width) = network["config"]["img_size"], network["config"]["patch_size"]
    weights = state(oracle, "backbone")
    for key in network["computed"]:
        weights[key] = F.pad(sincos_grid(rows // height, columns // width, shapes[key][2]), (0, 0, 1, 0))[None]
    return NormWear.from_original(weights, scalogram="torch").eval()


def with_scalogram(recipe: NormWear, variant: str) -> NormWear:
    recipe.config = replace(recipe.config, scalogram=variant)
    return recipe


def cases(oracle: Oracle) -> list[str]:
    return [match[1] for match in oracle.matches(r"(c\d+_L\d+)/x")]


def test_every_stored_array_is_compared(oracle: Oracle) -> None:
    known = (
        r"computed/(pos_embed|decoder_pos_embed|pos_interpolated_\d+)",
        r"c\d+_L\d+/(x|(planes|tokens|cls|mean)_(torch|scipy)|hidden_(cls|mean|first_patches)|patch_embedding|tokens_summed_over_scales)",
        r"pretrain/(x|planes|planes_sums)",
        r"pretrain/(random|struc)/(noise|noise_time|noise_scale|mask|ids_restore|latent|latent_cls|prediction|loss|grad_norms)",
        r"preprocess/\d+/(raw|out)",
        r"resample/\d+/(in|out)",
    )
    assert [name for name in oracle.arrays if not any(re.fullmatch(pattern, name) for pattern in known)] == []


def test_the_names_and_shapes_are_the_original_ones(oracle: Oracle, recipe: NormWear) -> None:
    expected = {key: tuple(shape) for key, shape, _ in oracle.json["networks"]["backbone"]["state_dict"]}
    assert {original_name(key): tuple(value.shape) for key, value in recipe.state_dict().items()} == expected


def test_the_norms_have_the_original_epsilons(oracle: Oracle, recipe: NormWear) -> None:
    modules = {original_name(f"{name}.")[:-1]: module for name, module in recipe.named_modules()}
    for description, names in oracle.json["networks"]["backbone"]["norm_eps"].items():
        for name in names:
            if not name.startswith("..."):
                assert modules[name].eps == float(description.split()[-1]), name


def test_position_tables(oracle: Oracle, recipe: NormWear) -> None:
    check(oracle, "computed/pos_embed", recipe.encoder.positions)
    check(oracle, "computed/decoder_pos_embed", recipe.decoder.positions)
    grid, patch = recipe.config.grid, recipe.config.patch
    for match in oracle.matches(r"computed/pos_interpolated_(\d+)"):
        table = resize_grid(recipe.encoder.positions[0, 1:], grid=grid, target=(int(match[1]) // patch[0], grid[1]))
        check(oracle, match[0], torch.cat([recipe.encoder.positions[0, :1], table])[None])


@torch.no_grad()
def test_planes(oracle: Oracle, recipe: NormWear) -> None:
    for case in cases(oracle):
        for match in oracle.matches(rf"{case}/planes_(torch|scipy)"):
            check(oracle, match[0], with_scalogram(recipe, match[1]).planes(oracle.input(f"{case}/x")))


@torch.no_grad()
def test_embeddings(oracle: Oracle, recipe: NormWear) -> None:
    for case in cases(oracle):
        for variant in ("torch", "scipy"):
            tokens, _ = with_scalogram(recipe, variant).encode(oracle.input(f"{case}/x"))
            made = {
                f"tokens_{variant}": tokens,
                f"cls_{variant}": tokens[:, :, 0],
                f"mean_{variant}": tokens.mean(dim=2),
            }
            if variant == "torch":
                made["tokens_summed_over_scales"] = sum_scales(tokens, columns=recipe.config.grid[1])
            for what, tensor in made.items():
                if f"{case}/{what}" in oracle.arrays:
                    check(oracle, f"{case}/{what}", tensor)


@torch.no_grad()
def test_hidden_layers(oracle: Oracle, recipe: NormWear) -> None:
    for match in oracle.matches(r"(c\d+_L\d+)/hidden_cls"):
        signal, case = oracle.input(f"{match[1]}/x"), match[1]
        planes = with_scalogram(recipe, "torch").planes(signal)
        outputs = layer_outputs(recipe, planes)
        made = {
            "patch_embedding": recipe.encoder.patches(planes.flatten(0, 1)),
            "hidden_cls": outputs[:, :, 0],
            "hidden_mean": outputs.mean(dim=2),
            "hidden_first_patches": outputs,
        }
        for what in made.keys() & {name.partition("/")[2] for name in oracle.arrays if name.startswith(f"{case}/")}:
            check(oracle, f"{case}/{what}", made[what])


def layer_outputs(recipe: NormWear, planes: Tensor) -> Tensor:
    """The tokens after every layer, (depth, B * C, N, D)."""
    outputs: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda _layer, _inputs, output: outputs.append(output)) for layer in recipe.encoder.layers
    ]
    recipe.encoder(planes)
    for hook in hooks:
        hook.remove()
    return torch.stack(outputs)


def stored_mask(oracle: Oracle, recipe: NormWear, scheme: str) -> Mask:
    noise = [oracle.input(match[0]) for match in oracle.matches(rf"pretrain/{scheme}/noise(_time|_scale)?")]
    shares = dict(MASKS[SCHEMES[scheme]])
    if scheme == "random":
        shares["random_share"] = oracle.json["networks"]["backbone"]["config"]["mask_prob"]
    recipe.config = replace(recipe.config, scalogram="torch", **shares)
    return recipe.draw_mask(len(noise[0]), Stored(*noise), gaps=None, device=noise[0].device)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pretraining(oracle: Oracle, recipe: NormWear, scheme: str) -> None:
    prefix, signal = f"pretrain/{scheme}", oracle.input("pretrain/x")
    mask = stored_mask(oracle, recipe, scheme)
    check(oracle, f"{prefix}/mask", mask.hidden)
    check(oracle, f"{prefix}/ids_restore", mask.restore)
    planes = recipe.planes(signal)
    check(oracle, "pretrain/planes", planes)
    check(oracle, "pretrain/planes_sums", planes.sum(dim=(3, 4)))
    latent = recipe.encoder(planes, kept=mask.kept)
    check(oracle, f"{prefix}/latent", latent)
    check(oracle, f"{prefix}/latent_cls", latent[:, 0])
    prediction = recipe.reconstruct(signal, mask)
    check(oracle, f"{prefix}/prediction", prediction)
    loss = reconstruction_error(prediction, signal, valid=torch.ones_like(signal, dtype=torch.bool))
    check(oracle, f"{prefix}/loss", loss)
    recipe.zero_grad()
    loss.backward()
    check(oracle, f"{prefix}/grad_norms", gradient_norms(oracle, recipe))


def gradient_norms(oracle: Oracle, recipe: NormWear) -> Tensor:
    """Norms in the order of the original's state dict without running statistics; 0 for the fixed tables."""
    ours = {original_name(key): parameter for key, parameter in recipe.named_parameters()}
    keys = [key for key, _, _ in oracle.json["networks"]["backbone"]["state_dict"]]
    kept = [key for key in keys if not key.rpartition(".")[2].startswith(("running", "num_batches"))]
    return torch.stack([ours[key].grad.norm() if key in ours else torch.zeros(()) for key in kept])


def test_preprocessing(oracle: Oracle) -> None:
    for match in oracle.matches(r"preprocess/([\d.]+)/raw"):
        raw = oracle.arrays[match[0]].astype("float64")
        check(oracle, f"preprocess/{match[1]}/out", torch.from_numpy(condition(raw, float(match[1]))))


def test_resampling(oracle: Oracle) -> None:
    for match in oracle.matches(r"resample/(\d+)/in"):
        check(oracle, f"resample/{match[1]}/out", resample(oracle.input(match[0]), int(match[1]), target_hz=65))
