"""The words of page, print and terminal: each in both languages, and none that nobody says."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from typing import get_args

from casework.view.downloads import Downloads
from portal.words import Phrase, joined, phrase, place, said
from tests.unit.reading_source import ROOT, source_files, tree

WRITTEN = tomllib.loads((ROOT / "portal" / "words.toml").read_text(encoding="utf-8"))
STATES = {str(state).replace("_", " ") for state in get_args(Downloads.model_fields["state"].annotation)}
SAME_IN_BOTH = {"", " ", "_", "SHA-256", "SLA"}
SPEAKERS = {"said", "table"}


def literals(*nodes: ast.AST | None) -> set[str]:
    return {
        one.value
        for node in nodes if node is not None
        for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }  # fmt: skip


def speaking(*rooms: str) -> Iterator[ast.AST]:
    """Yield what stands in the source of *rooms*."""
    for path in source_files():
        if path.relative_to(ROOT).as_posix().startswith(rooms):
            yield from ast.walk(tree(path))


def words() -> set[str]:
    """Return what is looked up by its English: what is said, and the labels of facts and columns."""
    calls = (node for node in speaking("portal/", "cli/") if isinstance(node, ast.Call))
    said_so = (literals(*call.args) for call in calls if isinstance(call.func, ast.Name) and call.func.id in SPEAKERS)
    labels = (
        literals(*node.keys) for node in speaking("portal/sections/", "portal/record/") if isinstance(node, ast.Dict)
    )
    return set[str]().union(*said_so, *({word for word in some if word[:1].isupper()} for some in labels))


class TestWords:
    def test_each_is_said_in_both_languages(self) -> None:
        """Whatever heading, label or answer a page has, there is Japanese for it."""
        unknown = {word for word in words() - SAME_IN_BOTH if said(word).ja == ""}
        assert unknown == set()

    def test_none_is_left_over(self) -> None:
        """A word, a title or a sentence that nobody says any more is gone from the file."""
        spoken = (
            set[str]().union(
                *(literals(node) for node in speaking("portal/", "cli/") if isinstance(node, ast.Constant))
            )
            | STATES
        )
        kept = [name for part in ("words", "sections", "sentences") for name in WRITTEN[part]]
        assert [name for name in kept if name not in spoken] == []


class TestPhrase:
    def test_shows_what_nobody_sees(self) -> None:
        """Whatever is put into words, a mark that turns the writing round or steers a terminal is shown by its number."""
        assert Phrase("a\u202eb", "\x1b[2J") == Phrase("a〈U+202E〉b", "〈U+001B〉[2J")

    def test_joined_is_whole_in_each_language(self) -> None:
        """Who reads one language alone misses nothing: a name that is the same in both stands in both."""
        assert joined(" ", place("slack.acquired"), None, said("open"), 3) == Phrase(
            "Slack (acquired) open 3", "Slack (acquired) 未解消 3"
        )
        assert joined(", ", "a", "b") == Phrase("a, b")

    def test_nothing_is_nothing(self) -> None:
        """What is absent leaves no trace; nought is not absent."""
        assert joined(" ", None, "", "x") == Phrase("x")
        assert phrase(0) == Phrase("0")
