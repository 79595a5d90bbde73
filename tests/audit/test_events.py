"""One list of what can happen: the white list, the record's words and the code agree on it."""

from __future__ import annotations

import re

import pytest

from audit.events import OF_THE_LOG, EventType
from audit.fields import RULES
from portal.record.composing import MANY
from portal.words import EVENTS
from tests.unit.reading_source import ROOT

_LOOKS_LIKE_ONE = re.compile(
    r'(?<![\w.])f?"((?:case|plan|revoke|observe|finding|answer|nda|anchor|trail)\.[a-z_]+)"(?!\w)', re.MULTILINE
)


class TestEventTypes:
    def test_each_has_its_fields(self) -> None:
        """What a leaf of each type may say is settled before one is written."""
        assert set(RULES) == set(EventType)

    def test_each_of_a_case_has_its_words(self) -> None:
        """Whatever is told of a case has a word in Japanese and in English on the record's page."""
        assert set(EVENTS) == set(EventType) - OF_THE_LOG
        assert all(phrase.en.strip() and phrase.ja.strip() for phrase in EVENTS.values())
        assert len({phrase.ja for phrase in EVENTS.values()}) == len(EVENTS)

    def test_the_course_shows_all_but_the_many(self) -> None:
        """The course of a case leaves out only requests, answers and reads, which stand in `events/`."""
        assert {"nda.ruled", "nda.refused", "nda.answered"} <= set(EVENTS) - MANY
        assert {kind.family for kind in MANY} == {"revoke", "observe"}

    @pytest.mark.parametrize("room", ["casework", "portal", "flows", "cli"])
    def test_no_other_spelling(self, room: str) -> None:
        """No room spells a type by hand: a typing error would be an event that nobody can read."""
        spelt = {
            f"{path.relative_to(ROOT)}: {found}"
            for path in (ROOT / room).rglob("*.py")
            for found in _LOOKS_LIKE_ONE.findall(path.read_text(encoding="utf-8"))
        }
        assert spelt == set()

    def test_unknown(self) -> None:
        """A type that is not on the list is refused, and the message repeats nothing of it."""
        with pytest.raises(ValueError, match="not listed") as refusal:
            EventType("case.misaki_tanaka")
        assert "misaki" not in str(refusal.value)
