"""Ways out and programs: each reason with its figures, and none for what is as it always was."""

from __future__ import annotations

import json
from datetime import date

import pytest

from casework.activity.risk import verdict_of
from casework.messages import catalogue
from models.vocabulary import ActivityKind as K
from tests.casework.leavers import (
    ALL,
    BEFORE,
    LATELY,
    NOTICE_ON,
    WINDOW,
    acts,
    reasons,
    steady,
    work,
)

_READ_BY_HAND = {"odd_records", "other_names", "incomplete", "not_read_since"}


class TestSentences:
    def test_say_what_would_make_them_harmless(self) -> None:
        """Each reason about a person ends with whom to ask, or what would make it harmless, in both languages."""
        told = {code: entry for code, entry in catalogue().items() if code.startswith("risk_")}
        lacking = [
            code for code, entry in told.items()
            if code.removeprefix("risk_") not in _READ_BY_HAND and not ("Harmless if" in entry.en and ("問題ありません" in entry.ja or "ご確認" in entry.ja))
        ]  # fmt: skip
        assert lacking == []

    def test_accuse_nobody(self) -> None:
        """No sentence speaks of theft, of guilt, or of what somebody meant to do."""
        told = " ".join(
            f"{entry.en} {entry.ja}" for code, entry in catalogue().items() if code.startswith("risk_")
        ).casefold()
        assert not [
            word
            for word in (
                "stole",
                "theft",
                "suspicious",
                "intend",
                "malicious",
                "exfiltrat",
                "不正",
                "窃取",
                "疑い",
                "持ち出し",
            )
            if word in told
        ]


class TestFigures:
    def test_are_plain(self) -> None:
        """Whatever stands beside a sentence as its figures can be kept as JSON."""
        much = [
            *acts(K.EXTERNAL_SHARE, WINDOW[:2], target="sora@private.test"), *acts(K.FORWARD, WINDOW[:1], target="box@elsewhere.test"),
            *acts(K.TAKEOUT, WINDOW[:1]), *acts(K.DOWNLOAD, WINDOW, 900, hour=22, device="pc-9", by_program=True, size=9_000_000_000, title="極秘"),
            *acts(K.VIEW, WINDOW, 100), *acts(K.GRANT, WINDOW), *acts(K.TOKEN_USE, WINDOW, target="tool"),
        ]  # fmt: skip
        found = reasons([*acts(K.DOWNLOAD, BEFORE, 20, device="pc-1"), *much])
        assert len(found) > 12
        assert json.loads(json.dumps([reason.fields for reason in found.values()]))


class TestForwards:
    @pytest.mark.parametrize("day", [WINDOW[3], LATELY[0]])
    def test_to_the_outside(self, day: date) -> None:
        """A rule that sends mail outside is told, made since the notice or in the two months before it; it is no habit by then."""
        found = reasons([*work(), *acts(K.FORWARD, [day], target="box@elsewhere.test")])
        assert list(found) == ["forwards"]
        figures = found["forwards"].figures
        assert (figures["number"], figures["first_on"], figures["before"]) == (1, str(day), 0)
        assert "outside the domains of the leaver's accounts" in found["forwards"].said.en
        assert verdict_of(list(found.values())) == "unusual"

    def test_all_along(self) -> None:
        """Who set such rules every month is not unusual for the next one."""
        assert reasons([*work(), *acts(K.FORWARD, ALL[::15], target="customer@elsewhere.test")]) == {}

    def test_to_a_colleague(self) -> None:
        """A successor gets the mail, and access to the mailbox: that is a handover."""
        colleague = "Successor@Example.test"
        handed = [
            *acts(K.FORWARD, WINDOW[-1:], target=f"smtp:{colleague}"),
            *acts(K.DELEGATE, WINDOW[-1:], target="successor@eu.example.test"),
        ]
        assert reasons([*work(), *handed]) == {}

    def test_one_of_two_outside(self) -> None:
        """A rule that sends on to a colleague and to the outside leads outside."""
        target = '[{"ForwardTo":["a@example.test","box@elsewhere.test"]}]'
        assert list(reasons([*work(), *acts(K.FORWARD, WINDOW[:1], target=target)])) == ["forwards"]

    def test_nobody_says_whereto(self) -> None:
        """Of forwards without an address nobody is accused."""
        found = reasons([*work(), *acts(K.FORWARD, WINDOW[:3])])
        assert list(found) == ["forwards_unclear"]
        assert verdict_of(list(found.values())) == "cannot_say"


class TestWaysIn:
    @pytest.mark.parametrize(
        ("kind", "number", "word"),
        [
            (K.APP_PASSWORD, 1, "app_passwords"),
            (K.DEVICE, 1, "devices"),
            (K.GRANT, 3, "grants"),
            (K.DELEGATE, 1, "delegates"),
        ],
    )
    def test_what_everybody_has(self, kind: K, number: int, word: str) -> None:
        """A telephone, a scanner's password, tools and an access for somebody unnamed are told, and accuse nobody."""
        found = reasons([*work(), *acts(kind, WINDOW[:1], number)])
        assert list(found) == [word]
        assert verdict_of(list(found.values())) == "cannot_say"

    def test_before_a_short_log(self) -> None:
        """A log without days before the notice shows no way out as new, and that it was made is said."""
        found = reasons(acts(K.FORWARD, WINDOW[:1], target="box@elsewhere.test"), covered=NOTICE_ON)
        assert list(found) == ["no_baseline"]
        assert (found["no_baseline"].figures["takes"], found["no_baseline"].figures["exits"]) == (0, 1)


class TestShares:
    def test_twice_as_many(self) -> None:
        """Of somebody who shares every day, twice as many are no reason, though chance would not give them."""
        assert reasons([*work(), *acts(K.EXTERNAL_SHARE, BEFORE, 2), *acts(K.EXTERNAL_SHARE, WINDOW, 4)]) == {}

    def test_as_in_an_earlier_month(self) -> None:
        """As many as some month had already, long before the notice, are no reason."""
        month = [day for day in BEFORE if day.month == 7]
        assert reasons([*work(), *acts(K.EXTERNAL_SHARE, month, 2), *acts(K.EXTERNAL_SHARE, WINDOW[:20], 2)]) == {}
        assert "shares" in reasons([*work(), *acts(K.EXTERNAL_SHARE, WINDOW[:20], 2)])


class TestPrograms:
    def test_new(self) -> None:
        """Hundreds of files by a program, of somebody who had none, are told first."""
        found = reasons([*work(), *acts(K.DOWNLOAD, WINDOW[:4], 200, by_program=True)])
        assert next(iter(found)) == "new_programs"
        assert found["new_programs"].figures == {"programs": 800, "before": 0, "days": 149}

    def test_all_along(self) -> None:
        """A data engineer's are as ever; what they read is not always listed, so that nobody says more."""
        found = reasons([*work(), *acts(K.DOWNLOAD, ALL, 200, by_program=True)])
        assert list(found) == ["programs"]


class TestOrder:
    def test_unusual_before_in_question(self) -> None:
        """What is unusual stands first, and what a journey or tidying up would show as well only beside it."""
        much = acts(K.DOWNLOAD, WINDOW[:3], 1_000, ip="198.51.100.1", by_program=True)
        found = list(reasons([*steady(20), *much]).values())
        unclean = [reason.unclean for reason in found]
        assert unclean == sorted(unclean)
        assert "new_addresses" in {reason.reason for reason in found}

    def test_beside_nothing(self) -> None:
        """New addresses and many folders alone are no reason."""
        tidy = [raw for n in range(200) for raw in acts(K.DOWNLOAD, [WINDOW[4]], folder=f"x{n}", ip="198.51.100.1")]
        assert reasons([*steady(20), *tidy]) == {}
