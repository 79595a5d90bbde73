"""What the tests of house rules read from the source: tracked files, names, enums.  Nothing is imported or run."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    "audit",
    "casework",
    "cli",
    "connectors",
    "emulators",
    "flows",
    "migrations",
    "models",
    "portal",
    "rehearsal",
    "stack",
)


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files that git tracks; outside a checkout (a source archive), all files but hidden and built ones."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        paths = [
            p
            for p in ROOT.rglob("*")
            if not any(part.startswith((".", "var", "build")) for part in p.relative_to(ROOT).parts)
        ]
    return tuple(path for path in paths if path.is_file())


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of *path*."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def source_files() -> list[Path]:
    """Return the Python files of our rooms."""
    return [p for p in tracked() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in ROOMS]


def enum_classes(path: Path) -> Iterator[ast.ClassDef]:
    """Yield the classes of *path* whose base is StrEnum."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == "StrEnum" for b in node.bases):
            yield node


def str_enums(path: Path) -> dict[str, list[str]]:
    """Return the values of each StrEnum in *path*; of a member with more than its value, that is the first of them."""
    return {
        node.name: [
            value.value
            for line in node.body
            if isinstance(line, ast.Assign)
            for value in [line.value.elts[0] if isinstance(line.value, ast.Tuple) else line.value]
            if isinstance(value, ast.Constant) and isinstance(value.value, str)
        ]
        for node in enum_classes(path)
    }


def names(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every name that *module* itself gives to something, with its line: what it calls is its owner's affair."""
    for node in ast.walk(module):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.alias(asname=str() as name):
                yield node.lineno, name
            case _:
                pass
