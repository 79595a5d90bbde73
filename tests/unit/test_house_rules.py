"""The habits of the house that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest

from tests.unit.reading_source import ROOT, enum_classes, names, source_files, tracked, tree

# a verb that says nothing, and a bag into which everything goes
VERBS = frozenset({"handle", "process", "manage", "do", "service"})
BAGS = frozenset({"data", "info", "util", "utils", "helper", "helpers", "manager", "handler", "service"})
ALLOWED = {
    "service": "a vendor's tenant, of the enum Service",
    "manager": "HR's column: who is asked about the leaver's things",
    "channel_manager": "Slack's name for a role",
    "service_account": "Google's name for a program's account",
    "service_principal": "Microsoft's name for a program's account",
    "service_principal_app_roles": "Microsoft's name",
    "process_bind_param": "SQLAlchemy's hook",
    "process_result_value": "SQLAlchemy's hook",
    "handle_starttag": "html.parser's hook",
    "handle_data": "html.parser's hook",
    "handle": "Slack's name for a user group's short name",
    "do_get": "http.server's method",
    "users_info": "Slack's method",
    "team_info": "Slack's method",
}
# put together here, so that this file keeps the rule itself
HOSTS = tuple(
    f"{name}.{domain}"
    for name, domain in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("crates", "io"))
)
MACHINE_PATH = re.compile(r"(?<![\w.:/$}>*-])/(?:home|root|Users|work|private|tmp|mnt)/[\w.]")
UNREASONED = re.compile(r"#\s*noqa(?!: [A-Z0-9, ]+  # \S)|#\s*type:\s*ignore(?!\[[a-z, -]+\]  # \S)")
TEXTS = (".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ".lock", ".sh", ".html", ".css", ".ini", ".cfg", "")


def lines(pattern: re.Pattern[str], *, suffixes: tuple[str, ...] = TEXTS) -> Iterator[str]:
    """Yield `file:line` for every line of a tracked text in which *pattern* is found."""
    for path in tracked():
        if path.suffix in suffixes:
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                if pattern.search(line):
                    yield f"{path.relative_to(ROOT)}:{number}"


def banned(name: str) -> bool:
    """Whether *name* begins with a verb or ends with a bag that the house does not use."""
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])", name)
    if not words or "_".join(words).lower() in ALLOWED:
        return False
    return words[0].lower() in VERBS or words[-1].lower() in BAGS


class TestNames:
    def test_of_things(self) -> None:
        """No name of ours says merely that something is handled, processed or managed, or that it holds data."""
        found = [
            f"{p.relative_to(ROOT)}:{line} {name}"
            for p in source_files()
            for line, name in names(tree(p))
            if banned(name)
        ]
        assert found == []

    def test_of_files(self) -> None:
        """No file is a drawer."""
        assert [str(path.relative_to(ROOT)) for path in source_files() if banned(path.stem)] == []

    @pytest.mark.parametrize(
        "name",
        ["handle_case", "processRow", "do", "doIt", "case_data", "UserManager", "_helper", "info", "SlackService"],
    )
    def test_rule_catches(self, name: str) -> None:
        """The rule sees the names it is there for."""
        assert banned(name)

    @pytest.mark.parametrize(
        "name", ["service", "Service", "_", "metadata", "undo", "manager", "Document", "process_bind_param"]
    )
    def test_rule_spares(self, name: str) -> None:
        """The rule leaves good names and the vendors' own alone."""
        assert not banned(name)


class TestErrors:
    @staticmethod
    def swallowed(module: ast.Module) -> Iterator[int]:
        """Yield the lines where an error disappears: a bare except, one whose body is nothing, a suppression of everything."""
        for node in ast.walk(module):
            match node:
                case (
                    ast.ExceptHandler(type=None)
                    | ast.ExceptHandler(body=[ast.Pass() | ast.Expr(value=ast.Constant(value=_))])
                ):
                    yield node.lineno
                case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=args) if any(
                    isinstance(arg, ast.Name) and arg.id in {"Exception", "BaseException"} for arg in args
                ):
                    yield node.lineno
                case _:
                    pass

    def test_none_disappears(self) -> None:
        """An error is recorded, passed on or answered, never swallowed."""
        assert [f"{p.relative_to(ROOT)}:{line}" for p in source_files() for line in self.swallowed(tree(p))] == []

    @pytest.mark.parametrize(
        "source",
        [
            "try: f()\nexcept: g()",
            "try: f()\nexcept E: pass",
            "try: f()\nexcept E: ...",
            "with contextlib.suppress(Exception): f()",
        ],
    )
    def test_rule_catches(self, source: str) -> None:
        """The rule sees the ways in which errors are usually swallowed."""
        assert list(self.swallowed(ast.parse(source)))

    def test_exceptions_to_the_linters_have_reasons(self) -> None:
        """Who silences a linter names the rule and says why, beside it."""
        assert list(lines(UNREASONED, suffixes=(".py",))) == []


class TestPlaces:
    def test_no_package_registry(self) -> None:
        """No tracked file names a package registry's host: where packages come from is the machine's affair."""
        assert list(lines(re.compile("|".join(map(re.escape, HOSTS))))) == []

    def test_no_path_of_one_machine(self) -> None:
        """No tracked file holds an absolute path of somebody's machine."""
        assert list(lines(MACHINE_PATH)) == []

    def test_deployments_hold_no_absolute_path(self) -> None:
        """Deployments run wherever the checkout is."""
        absolute = re.compile(r"""(?:^|[\s"'=:\[{])(?:/|~/|[A-Za-z]:\\)[\w.]""")
        assert [line for line in lines(absolute, suffixes=(".yaml",)) if line.startswith("prefect.yaml:")] == []

    @pytest.mark.parametrize("text", ['"/{}/me/x"', "cd /{}/lastday", "path=/{}/x", "(/{}/me/"])
    @pytest.mark.parametrize("top", ["home", "root", "tmp", "work", "Users"])
    def test_rule_catches(self, text: str, top: str) -> None:
        """The rule sees a machine's path."""
        assert MACHINE_PATH.search(text.format(top))

    @pytest.mark.parametrize(
        "text", ["https://x.example/home/y", "GET /v1.0/users", "{root}/tmp/x", "./home/x", "a/root/b"]
    )
    def test_rule_spares(self, text: str) -> None:
        """Addresses, routes and relative paths are no machine's."""
        assert not MACHINE_PATH.search(text)


class TestEnums:
    @pytest.mark.parametrize("path", source_files(), ids=lambda path: str(Path(path).relative_to(ROOT)))
    def test_every_one_says_what_it_is(self, path: Path) -> None:
        """Each StrEnum has a sentence that says what it names (its members stand in the glossary)."""
        assert [node.name for node in enum_classes(path) if ast.get_docstring(node) is None] == []


class TestImports:
    def test_chain_inside_casework_is_short(self) -> None:
        """Whoever opens a file of casework follows at most nine files down, packages and mere types not counted."""
        graph = grimp.build_graph("casework", exclude_type_checking_imports=True)
        packages = {module for module in graph.modules if graph.find_children(module)}

        @cache
        def chain(module: str) -> tuple[str, ...]:
            below = graph.find_modules_directly_imported_by(module) - packages
            return (module, *max(map(chain, sorted(below)), key=len, default=()))

        longest = max(map(chain, sorted(graph.modules - packages)), key=len)
        assert len(longest) <= 9, longest
