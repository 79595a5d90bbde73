"""What we write for people is plain, short and in the field's words: docstrings, comments, messages, docs."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.reading_source import ROOT

ROOMS = ("audit", "casework", "cli", "connectors", "emulators", "flows", "models", "portal", "rehearsal", "stack")
SENTENCES = ("casework/messages/*.toml", "cli/sentences.toml", "portal/words.toml")
PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md", "docs/connectors/*.md", "docs/decisions/*.md")
RIDDLES = {
    r"whoever|whosoever": "anyone who, the caller, a person who",
    r"whatever|whichever": "any, each, what",
    r"tells?|told": "says, records, reports, shows; of a person: is told by somebody is fine in the passive only with 'by'",
    r"stands?|stood": "is, are listed, is kept, is written",
    r"(?:that|which) (?:is|are) none|none such": "is not a …",
    r"of which|thereof|therein|whereof": "two sentences",
    r"bears?|borne": "has, carries",
    r"hears?|heard of": "is asked, is informed",
    r"but for|save for": "except",
    r"be it|lest|hitherto|hence": "plain words",
}
"""What reads like a riddle, and what to write instead."""
LONGEST = 45
"""Words in a sentence."""
SPARED = re.compile(r"told by|tell .{1,20} apart|told apart|bear(?:er|ing)|`[^`]*`", re.IGNORECASE)
_RIDDLE = re.compile(rf"\b(?:{'|'.join(RIDDLES)})\b", re.IGNORECASE)
_END = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\n\s*[-*|] ")


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each piece of prose in a file, with its line: docstrings, comments, texts, paragraphs."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield 1, re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    elif path.suffix == ".toml":
        for one in _texts(tomllib.loads(text)):
            yield 1, one
    else:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string.lstrip("# ")
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Expr(value=ast.Constant(value=str() as said)):
                    yield node.lineno, said
                case _:
                    pass


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            yield from _texts(value[0])  # the English one
        case dict():
            for key, below in value.items():
                if not key.endswith("ja"):
                    yield from _texts(below)
        case _:
            pass


def riddles(text: str) -> list[str]:
    """Return the words that make it a riddle."""
    return _RIDDLE.findall(SPARED.sub(" ", text))


def files() -> list[Path]:
    python = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return sorted({*python, *(path for pattern in (*SENTENCES, *PAGES) for path in ROOT.glob(pattern))})


class TestProse:
    def test_has_no_riddles(self) -> None:
        """Whoever knows Python and identity management reads each sentence once."""
        found = [
            f"{path.relative_to(ROOT)}:{line}: {word}"
            for path in files()
            for line, text in prose_of(path)
            for word in riddles(text)
        ]
        assert found == []

    def test_has_short_sentences(self) -> None:
        """A sentence has at most forty-five words."""
        found = [
            f"{path.relative_to(ROOT)}:{line}: {len(sentence.split())} words: {sentence[:60]}"
            for path in files()
            for line, text in prose_of(path)
            for sentence in _END.split(text)
            if len(sentence.split()) > LONGEST
        ]
        assert found == []

    @pytest.mark.parametrize(
        "text",
        ["Whoever asks is told.", "A path that is none.", "It stands in the log.", "Of which one is kept: of which."],
    )
    def test_sees_a_riddle(self, text: str) -> None:
        """The rule above fails for what it is there for."""
        assert riddles(text)
