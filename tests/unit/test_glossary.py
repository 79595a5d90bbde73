"""The glossary, the enums and the names of classes and modules say the same words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.unit.reading_source import ROOMS, ROOT, source_files, str_enums, tree

PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
SECTIONS = {
    heading[1]: dict(re.findall(r"^\| `?([^|`]+?)`? \| ([^|]+) \|", body, re.MULTILINE))
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    for title, _, body in [part.partition("\n")]
    if (heading := re.search(r"`(\w+)`", title) or re.search(r"(Words|Nouns)", title))
}
ENUMS = {
    name: members
    for path in [*(ROOT / "models" / "vocabulary").glob("*.py"), *sorted((ROOT / "casework").rglob("*.py"))]
    for name, members in str_enums(path).items()
}
WORDS = """departure leaver account entitlement revocation containment deprovision receipt evidence case finding
residual_access orphan_account waiver attestation sweep rehearsal trail seal verify"""
VERBS = {"cli", "flows"}
"""Rooms with one verb a file."""
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+")
_LIST = re.compile(r"^- [^:]+: ([^.;]+)[.;]$", re.MULTILINE)
_SINGULAR = {"people": "person", "basis": "basis"}


def noun(words: list[str]) -> str:
    """Return *words* as one, in lower case and in the singular."""
    *first, last = [word.lower() for word in words]
    for plural, singular in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("ss", "ss"), ("us", "us"), ("s", "")):
        if last.endswith(plural) and last not in _SINGULAR:
            return "".join([*first, last.removesuffix(plural) + singular])
    return "".join([*first, _SINGULAR.get(last, last)])


def nouns_in(name: str) -> list[str]:
    """Return the nouns with which *name* ends, the longest first: `EvidenceKeys` is an evidence key, and a key."""
    words = _WORD.findall(name)
    return [noun(words[start:]) for start in range(len(words))]


def names_of(path: Path) -> list[str]:
    """Return what *path* names by nouns: its public classes, and itself unless it is named by a verb."""
    module = path.parent.name if path.stem == "__init__" else path.stem
    is_verb = module.endswith("ing") or module.startswith("_") or path.parent.name in VERBS
    classes = [node.name for node in tree(path).body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    return classes if is_verb else [module, *classes]


def columns_of(path: Path) -> list[str]:
    """Return the fields of the classes in *path*."""
    fields = (node.target for node in ast.walk(tree(path)) if isinstance(node, ast.AnnAssign))
    return [field.id for field in fields if isinstance(field, ast.Name)]


def terms(section: str) -> set[str]:
    """Return the nouns that the table of *section* explains; its first line is the heading."""
    return {noun(re.findall(r"\w+", term)) for term in list(SECTIONS[section])[1:]}


EVERYWHERE = {noun(re.findall(r"\w+", term)) for listed in _LIST.findall(PAGE) for term in re.split(r",\s+", listed)}
NAMES = {
    name: f"{path.relative_to(ROOT)}"
    for path in source_files()
    if path.relative_to(ROOT).parts[0] in set(ROOMS) - {"migrations"}
    for name in names_of(path)
}
COLUMNS = {name for path in (ROOT / "models" / "tables").glob("*.py") for name in columns_of(path)}


class TestGlossary:
    @pytest.mark.parametrize("enum", sorted(ENUMS))
    def test_every_member_has_its_line(self, enum: str) -> None:
        """Every word that a record may hold is explained, in both languages, and no line explains a word that is gone."""
        lines = {value: japanese for value, japanese in SECTIONS.get(enum, {}).items() if value != "value"}
        assert set(lines) == set(ENUMS[enum]), f"docs/glossary.md, section (`{enum}`)"
        assert all(japanese.strip() for japanese in lines.values())

    def test_no_section_without_an_enum(self) -> None:
        """A section of the page whose enum is gone goes too."""
        assert set(SECTIONS) - {"Words", "Nouns"} == set(ENUMS)

    @pytest.mark.parametrize("word", WORDS.split())
    def test_words_of_the_product(self, word: str) -> None:
        """The product's own words stand first, with their Japanese."""
        assert SECTIONS["Words"][word.replace("_", " ")].strip()

    def test_source_reader_sees_enums(self, tmp_path: Path) -> None:
        """The test reads enums from source; this holds its reading to an example."""
        path = tmp_path / "some.py"
        path.write_text('class A(StrEnum):\n    """Doc."""\n    X = "x"\n    Y = "why"\nclass B(str):\n    Z = "z"\n')
        assert str_enums(path) == {"A": ["x", "why"]}


class TestNouns:
    def test_each_is_explained(self) -> None:
        """Whoever meets a class or a module finds on the page what its noun means; an enum has its own section."""
        known = terms("Words") | terms("Nouns") | EVERYWHERE | {noun(_WORD.findall(enum)) for enum in ENUMS}
        assert {name: where for name, where in NAMES.items() if known.isdisjoint(nouns_in(name))} == {}

    def test_each_is_used(self) -> None:
        """The page explains no noun by which no class, module or column is named."""
        named = {one for name in (*NAMES, *COLUMNS) for one in nouns_in(name)}
        assert (terms("Nouns") | EVERYWHERE) - named == set()

    def test_none_is_explained_twice(self) -> None:
        """A word of the product needs no second line among the nouns, which stand in order."""
        nouns = list(SECTIONS["Nouns"])[1:]
        assert nouns == sorted(nouns, key=str.lower)
        assert terms("Nouns") & (terms("Words") | EVERYWHERE) == set()

    def test_source_reader_sees_names(self, tmp_path: Path) -> None:
        """The test reads names from source; this holds its reading to an example."""
        (tmp_path / "flows").mkdir()
        for name in ("paper_keys.py", "reading.py", "flows/sweep.py"):
            (tmp_path / name).write_text("class HttpEntries(X):\n    begun_at: int\nclass _Own: ...\ndef f(): ...\n")
        assert names_of(tmp_path / "paper_keys.py") == ["paper_keys", "HttpEntries"]
        assert names_of(tmp_path / "reading.py") == names_of(tmp_path / "flows" / "sweep.py") == ["HttpEntries"]
        assert columns_of(tmp_path / "reading.py") == ["begun_at"]
        assert nouns_in("HttpEntries") == ["httpentry", "entry"]
        assert nouns_in("blast_radius") == ["blastradius", "radius"]
        assert [noun([word]) for word in ("passes", "people", "uris", "access", "basis")] == [
            "pass", "person", "uri", "access", "basis",
        ]  # fmt: skip
