"""No global random state: every random number comes from a generator that somebody passed in."""

import ast
from pathlib import Path

from tests.house.rooms import ROOT, files

ALLOWED_NUMPY = {"default_rng", "Generator", "SeedSequence", "Philox", "PCG64", "BitGenerator"}
NEEDS_GENERATOR = {"rand", "randn", "randint", "randperm", "bernoulli", "multinomial", "normal", "poisson"}


def _dotted(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _offences(source: str, path: Path) -> list[str]:
    wrong = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names):
            wrong.append(f"{path}:{node.lineno}: the module random is global state")
        if not isinstance(node, ast.Call):
            continue
        name = _dotted(node.func)
        given = {keyword.arg for keyword in node.keywords}
        if name.startswith(("np.random.", "numpy.random.")) and name.split(".")[-1] not in ALLOWED_NUMPY:
            wrong.append(f"{path}:{node.lineno}: {name}")
        if name.startswith("torch.") and name.split(".")[-1] in NEEDS_GENERATOR and "generator" not in given:
            wrong.append(f"{path}:{node.lineno}: {name} without a generator")
        if name in {"torch.manual_seed", "torch.seed", "torch.rand_like", "torch.randn_like"}:
            wrong.append(f"{path}:{node.lineno}: {name}")
    return wrong


def test_the_global_generators_are_banned() -> None:
    assert [offence for path in files() for offence in _offences(path.read_text(), path.relative_to(ROOT))] == []


def test_the_search_finds_what_it_looks_for() -> None:
    bad = "import random\nnp.random.rand(3)\ntorch.randn(2)\ntorch.manual_seed(0)\n"
    good = "torch.randn(2, generator=g)\nnp.random.default_rng(0)\n"
    assert [line.split(":")[1] for line in _offences(bad + good, Path("x.py"))] == ["1", "2", "3", "4"]
