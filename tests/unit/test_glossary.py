"""The glossary and the enums say the same words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.reading_source import ROOT, str_enums

PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
SECTIONS = {
    heading[1]: dict(re.findall(r"^\| `?([^|`]+?)`? \| ([^|]+) \|", body, re.MULTILINE))
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    for title, _, body in [part.partition("\n")]
    if (heading := re.search(r"`(\w+)`", title) or re.search(r"(Words)", title))
}
ENUMS = {
    name: members
    for path in [*(ROOT / "models" / "vocabulary").glob("*.py"), *sorted((ROOT / "casework").rglob("*.py"))]
    for name, members in str_enums(path).items()
}
WORDS = """departure leaver account entitlement revocation containment deprovision receipt evidence case finding
residual_access orphan_account waiver attestation sweep rehearsal trail seal verify"""


class TestGlossary:
    @pytest.mark.parametrize("enum", sorted(ENUMS))
    def test_every_member_has_its_line(self, enum: str) -> None:
        """Every word that a record may hold is explained, in both languages, and no line explains a word that is gone."""
        lines = {value: japanese for value, japanese in SECTIONS.get(enum, {}).items() if value != "value"}
        assert set(lines) == set(ENUMS[enum]), f"docs/glossary.md, section (`{enum}`)"
        assert all(japanese.strip() for japanese in lines.values())

    def test_no_section_without_an_enum(self) -> None:
        """A section of the page whose enum is gone goes too."""
        assert set(SECTIONS) - {"Words"} == set(ENUMS)

    @pytest.mark.parametrize("word", WORDS.split())
    def test_words_of_the_product(self, word: str) -> None:
        """The product's own words stand first, with their Japanese."""
        assert SECTIONS["Words"][word.replace("_", " ")].strip()

    def test_source_reader_sees_enums(self, tmp_path: Path) -> None:
        """The test reads enums from source; this holds its reading to an example."""
        path = tmp_path / "some.py"
        path.write_text('class A(StrEnum):\n    """Doc."""\n    X = "x"\n    Y = "why"\nclass B(str):\n    Z = "z"\n')
        assert str_enums(path) == {"A": ["x", "why"]}
