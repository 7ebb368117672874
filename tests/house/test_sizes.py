"""Files and functions a tired reader can take in."""

import ast
from statistics import median, quantiles

from tests.house.rooms import ROOT, SOURCE, files

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions() -> list[tuple[str, Function]]:
    found = []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append((f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node))
    return found


def _body_lines(node: Function) -> int:
    """Lines of code of a function, without its docstring."""
    first = node.body[1] if len(node.body) > 1 and ast.get_docstring(node) is not None else node.body[0]
    return (node.end_lineno or node.lineno) - first.lineno + 1


def test_no_file_is_longer_than_600_lines() -> None:
    long = {str(p.relative_to(SOURCE)): p.read_text().count("\n") for p in files() if p.read_text().count("\n") > 600}
    assert long == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = {name: node.end_lineno - node.lineno + 1 for name, node in _functions() if node.end_lineno - node.lineno + 1 > 60}
    assert long == {}


def test_functions_are_short_as_a_rule() -> None:
    lengths = [_body_lines(node) for _, node in _functions()]
    assert median(lengths) <= 8
    assert quantiles(lengths, n=10)[-1] <= 25


def test_no_room_is_a_drawer_for_everything() -> None:
    banned = {"utils", "helpers", "common", "misc", "util", "tools"}
    assert [str(p) for p in files() if banned & set(p.relative_to(SOURCE).with_suffix("").parts)] == []


def test_the_project_names_no_machine() -> None:
    banned = ("/" + "work/", "/" + "root/", "/" + "home/", "/" + "farm")
    suffixes = {".py", ".md", ".toml", ".j2", ".txt", ".html", ".json"}
    wrong = []
    for folder in ("src", "tests", "docs", "benchmarks", "examples"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and any(word in path.read_text(errors="replace") for word in banned):
                wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []
