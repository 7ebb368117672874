"""The plan of the house: which room may import which. Read by the tests; described in docs/architecture.md."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "wearfm"

DATA = {"errors", "engines", "signals", "readers", "datasets", "synthetic", "inspection", "store", "preparation", "windows"}
MODEL = {"errors", "nn", "augment", "objectives"}
HALL = DATA | MODEL | {"recipes", "training", "embeddings", "evaluation"}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "signals": {"errors"},
    "readers": {"errors", "signals"},
    "synthetic": {"errors", "signals"},
    "store": {"errors", "signals"},
    "datasets": {"errors", "signals", "readers"},
    "inspection": {"errors", "signals"},
    "engines": {"errors"},
    "preparation": {"errors", "engines", "signals", "readers", "datasets", "store"},
    "windows": {"errors", "signals", "store"},
    "nn": {"errors"},
    "augment": {"errors", "nn"},
    "objectives": {"errors", "nn"},
    "recipes": {"errors", "signals", "windows", "nn", "augment", "objectives"},
    "training": {"errors", "signals", "store", "windows", "nn", "recipes"},
    "embeddings": {"errors", "engines", "signals", "store", "windows", "recipes"},
    "evaluation": {"errors", "signals", "store", "windows", "embeddings"},
    "imputation": HALL,
    "finetuning": HALL,
    "distilling": HALL,
    "workflow": HALL,
    "resolution": HALL,
    "resolution_picture": {"evaluation", "resolution"},
    "study": HALL | {"workflow"},
    "cli": HALL | {"workflow", "study", "imputation", "finetuning", "distilling", "resolution", "resolution_picture"},
    "__init__": HALL | {"workflow", "study", "imputation", "finetuning", "distilling", "resolution", "resolution_picture"},
    "__main__": {"cli"},
}


@dataclass(frozen=True)
class Import:
    """One import statement: where it stands and what it names."""

    path: Path
    line: int
    module: str

    @property
    def room(self) -> str:
        """The room the statement stands in."""
        relative = self.path.relative_to(SOURCE)
        return relative.parts[0].removesuffix(".py")


def files() -> list[Path]:
    """Every Python file of the package."""
    return sorted(SOURCE.rglob("*.py"))


def imports(path: Path) -> list[Import]:
    """Every import of a file, those inside functions too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [Import(path, node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "wearfm":
                found += [Import(path, node.lineno, f"wearfm.{alias.name}") for alias in node.names]
            else:
                found.append(Import(path, node.lineno, node.module))
    return found
