"""PAT against the outputs of the original code: encoders, attention, classifier, masked reconstruction, and an .h5 file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.parity.oracle import Oracle, check, load, state
from tests.parity.weeks import week_batch
from wearfm.nn.heads import MLPHead
from wearfm.objectives.reconstruction import reconstruction_error
from wearfm.recipes.pat import PAT, classifier_from_original, original_name
from wearfm.training import read_foreign
from wearfm.windows.batch import Batch

pytestmark = [pytest.mark.parity, pytest.mark.slow]
KINDS = r"small|medium|large|conv_small"


@pytest.fixture(scope="module")
def oracle(oracle_folder: Path) -> Oracle:
    return load(oracle_folder, "pat")


@pytest.fixture(scope="module")
def weeks(oracle: Oracle) -> Batch:
    return week_batch(oracle)


@pytest.fixture(scope="module", params=KINDS.split("|"))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def encoder(oracle: Oracle, kind: str) -> PAT:
    """The original's encoder under the weight rule, through the importer: every size is read from the shapes."""
    return PAT.from_original(state(oracle, f"encoder_{kind}")).eval()


def test_every_stored_array_is_compared(oracle: Oracle) -> None:
    known = (
        "x",
        rf"({KINDS})/(patch_embedding|positions|block_\d+|embedding|embedding_mean|probability)",
        rf"({KINDS})/attention_\d+_(column_sums|sample)",
        rf"({KINDS})/mae_(permutation|reconstruction|loss)",
    )
    assert [name for name in oracle.arrays if not any(re.fullmatch(pattern, name) for pattern in known)] == []
    assert {name.split("/")[0] for name in oracle.arrays} - {"x"} <= set(KINDS.split("|"))


def test_sizes_and_parameters_are_the_original_ones(oracle: Oracle, kind: str, encoder: PAT) -> None:
    network, config = oracle.json["networks"][f"encoder_{kind}"], encoder.config
    assert sum(parameter.numel() for parameter in encoder.encoder.parameters()) == network["n_parameters"]
    published = network["config"]
    assert (config.patch, config.width, config.heads) == tuple(published[n] for n in ("patch_size", "embed_dim", "num_heads"))
    assert (config.mlp_width, config.depth, config.head_width) == tuple(
        published[n] for n in ("ff_dim", "num_layers", "head_size")
    )
    assert {m.eps for m in encoder.modules() if isinstance(m, torch.nn.LayerNorm)} == {published["layer_norm_eps"]}


def test_names_and_shapes_are_the_original_ones(oracle: Oracle) -> None:
    network = next(n for name, n in oracle.json["networks"].items() if name.startswith("mae"))
    recipe = PAT.from_original(state(oracle, "mae_small"))
    assert {name: list(value.shape) for name, value in recipe.to_original().items()} == {
        name: shape for name, shape, _ in network["state_dict"]
    }


@torch.no_grad()
def test_embeddings(oracle: Oracle, kind: str, encoder: PAT, weeks: Batch) -> None:
    series, measured = encoder.prepare(weeks).values, torch.ones(2, encoder.config.num_patches, dtype=torch.bool)
    patches = series.unflatten(1, (-1, encoder.config.patch))
    made = {
        "patch_embedding": encoder.encoder.embed(patches),
        "positions": encoder.encoder.positions,
        **{f"block_{n}": encoder.encoder(series, measured, depth=n) for n in range(1, encoder.config.depth)},
        "embedding": encoder.frames(weeks),
        "embedding_mean": encoder.embed(weeks).vector,
    }
    assert {f"{kind}/{what}" for what in made} <= oracle.arrays.keys()
    for what, tensor in made.items():
        check(oracle, f"{kind}/{what}", _tokens(oracle, f"{kind}/{what}", tensor))


def _tokens(oracle: Oracle, name: str, tensor: Tensor) -> Tensor:
    """Thin the axis of tokens as a description says in words: "tokens ::8", "key ::8"."""
    said = re.search(r"(tokens|key) ::(\d+)", oracle.what(name))
    if said is None:
        return tensor
    step = int(said[2])
    return tensor[:, ::step] if said[1] == "tokens" else tensor[..., ::step]


@torch.no_grad()
def test_attention(oracle: Oracle, kind: str, encoder: PAT, weeks: Batch) -> None:
    series, measured = encoder.prepare(weeks).values, torch.ones(2, encoder.config.num_patches, dtype=torch.bool)
    for number, block in enumerate(encoder.encoder.blocks, start=1):
        tokens = encoder.encoder(series, measured, depth=number - 1)
        name = f"{kind}/attention_{number}_column_sums"
        check(oracle, name, _tokens(oracle, name, block.attention.received(tokens)))
        name = f"{kind}/attention_{number}_sample"
        check(oracle, name, _sample(oracle.what(name), block.attention.attention(tokens)))


def _sample(what: str, weights: Tensor) -> Tensor:
    """Take the part of (week, head, query, key) that is said in words, times the number of tokens."""
    week = re.search(r"week (\d+)", what)
    steps = [re.search(rf"{axis} ::(\d+)", what) for axis in ("heads", "queries", "keys")]
    assert week is not None
    assert all(steps)
    heads, queries, keys = (slice(None, None, int(step[1])) for step in steps if step)
    first = int(week[1])
    return weights[first : first + 1, heads, queries, keys] * weights.shape[3]


@torch.no_grad()
def test_attention_of_minutes_is_that_of_their_patch(oracle: Oracle, kind: str, encoder: PAT, weeks: Batch) -> None:
    stored = oracle.arrays[f"{kind}/attention_{encoder.config.depth}_column_sums"].mean(axis=1)  # (week, key)
    expected = torch.from_numpy(stored / stored.sum(axis=1, keepdims=True)).repeat_interleave(encoder.config.patch, dim=1)
    torch.testing.assert_close(encoder.attention(weeks), expected, rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_classifiers(oracle: Oracle, weeks: Batch) -> None:
    for match in oracle.matches(rf"({KINDS})/probability"):
        recipe, head = classifier_from_original(state(oracle, f"classifier_{match[1]}"))
        assert isinstance(head, MLPHead)
        check(oracle, match[0], head(recipe.eval().features(weeks)).sigmoid())


@torch.no_grad()
def test_masked_reconstruction(oracle: Oracle, weeks: Batch) -> None:
    for match in oracle.matches(rf"({KINDS})/mae_permutation"):
        kind, order = match[1], oracle.input(match[0]).long()
        recipe = PAT.from_original(state(oracle, f"mae_{kind}")).eval()
        hidden = len(order) - recipe.config.num_seen
        seen = torch.zeros(2, len(order), dtype=torch.bool)
        seen[:, order[hidden:]] = True
        mask = recipe.mask_of(order.roll(-hidden).expand(2, -1), seen=seen, count=recipe.config.num_seen)
        series, valid = recipe.prepare(weeks)
        guess = recipe.reconstruct(series, mask)
        stored = oracle.arrays[f"{kind}/mae_reconstruction"]
        step = int(re.search(r"minute ::(\d+)", oracle.what(f"{kind}/mae_reconstruction"))[1])
        assert guess[:, ::step].shape == stored.shape
        check(oracle, f"{kind}/mae_reconstruction", guess[:, ::step])
        check(oracle, f"{kind}/mae_loss", reconstruction_error(guess, series, valid=valid))


@torch.no_grad()
def test_the_file_in_the_released_layout_gives_the_same_network(oracle: Oracle, oracle_folder: Path, weeks: Batch) -> None:
    (path,) = (oracle_folder / "pat").glob("*.h5")
    recipe = PAT.from_original(read_foreign(path)).eval()
    check(oracle, "small/embedding_mean", recipe.embed(weeks).vector)
    ours = {original_name(key) for key in recipe.state_dict() if key.startswith("encoder.")}
    assert read_foreign(path).keys() == ours
