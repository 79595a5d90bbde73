"""Whose paper it is: what a signer's name, address and number say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.errors import NotConfigured
from connectors.nda.contract import Paper
from connectors.nda.matching import likeliest, match_paper
from connectors.nda.registry import open_registers
from models.vocabulary import Leaver, MatchReason, PaperKind

SURE = 0.9
TANAKA = Leaver(
    "E1001", "田中 美咲", "misaki.tanaka@hoshizora.example", ("misaki@mail.example",), "タナカ ミサキ", "Tanaka Misaki"
)
PAPER = Paper("folder", "1", PaperKind.ENTRY_PLEDGE)


def matched(
    name: str | None = None, email: str | None = None, number: str | None = None, who: Leaver = TANAKA
) -> tuple[MatchReason, float] | None:
    """Reason and confidence for a paper with such a signer."""
    match = match_paper(who, replace(PAPER, signer_name=name, signer_email=email, signer_employee_no=number))
    return (match.reason, match.confidence) if match is not None else None


class TestMatchPaper:
    @pytest.mark.parametrize("name", ["田中 美咲", "田中美咲 様", "タナカ　ミサキ", "Misaki TANAKA", None])
    def test_company_address(self, name: str | None) -> None:
        """The company's address with the leaver's name in any script, or without one, is his."""
        found = matched(name, "Misaki.Tanaka@hoshizora.example")
        assert found is not None
        assert found[1] > SURE

    def test_private_address(self) -> None:
        """The private address alone leaves a doubt; with the name it is his."""
        assert matched(None, "misaki@mail.example") == (MatchReason.OTHER_EMAIL, 0.8)
        assert matched("田中美咲", "misaki@mail.example") == (MatchReason.OTHER_EMAIL, 0.92)

    @pytest.mark.parametrize("email", ["misaki.tanaka@hoshizora.example", "misaki@mail.example"])
    def test_somebody_elses_name(self, email: str) -> None:
        """An address used again, or a family's: with another name nobody accepts it unseen."""
        found = matched("佐藤 健", email)
        assert found is not None
        assert found[1] <= 0.6

    @pytest.mark.parametrize(
        ("email", "number"), [("m.tanaka2@hoshizora.example", None), (None, "E2222"), ("x@mail.example", "E2222")]
    )
    def test_namesake(self, email: str | None, number: str | None) -> None:
        """The same name with another number, or at another address of the company: a different person."""
        assert matched("田中 美咲", email, number) == (MatchReason.DIFFERENT_PERSON, 0.0)

    def test_name_alone(self) -> None:
        """A name alone, or with a stranger's address, is for a person to decide."""
        assert matched("田中 美咲") == matched("田中 美咲", "m@elsewhere.example") == (MatchReason.NAME, 0.5)

    def test_name_where_nobody_has_an_address(self) -> None:
        """Two addresses that are missing are not two at one company."""
        assert matched("田中 美咲", who=replace(TANAKA, email=None)) == (MatchReason.NAME, 0.5)

    def test_number(self) -> None:
        """The employee number decides, unless everything else contradicts it."""
        assert matched("田中 美咲", None, "Ｅ１００１") == (MatchReason.EMPLOYEE_NO, 1.0)
        found = matched("佐藤 健", "ken@hoshizora.example", "E1001")
        assert found is not None
        assert found[1] < SURE

    def test_work_rules_without_a_kind(self) -> None:
        """Where a vendor has no field for kinds the title tells that it binds everybody; whoever is named as its signer alone is bound."""
        rules = replace(PAPER, kind=None, title="就業規則 第42条")
        match = match_paper(TANAKA, rules)
        assert match is not None
        assert match.reason is MatchReason.EVERYBODY
        assert match_paper(TANAKA, replace(rules, signer_name="佐藤 健")) is None

    def test_nobody(self) -> None:
        """A paper without a signer is nobody's, unless it is the work rules'."""
        assert matched() is None
        rules = match_paper(TANAKA, replace(PAPER, kind=PaperKind.WORK_RULES))
        assert rules is not None
        assert rules.reason is MatchReason.EVERYBODY


class TestLikeliest:
    @pytest.mark.parametrize("title", ["就業規則 第42条", "入社時誓約書（就業規則・秘密保持）", "秘密保持誓約書"])
    def test_beside_somebody_without_a_name(self, title: str) -> None:
        """Of those who sign one document who is like the leaver goes first, whatever its title mentions: it is the leaver's paper."""
        paper = replace(PAPER, kind=None, title=title)
        signers: tuple[dict[str, Any], ...] = (
            {"signer_name": "田中 美咲", "signer_email": TANAKA.email},
            {},
            {"signer_name": "佐藤 健"},
        )
        match = likeliest(TANAKA, [replace(paper, **signer) for signer in signers])
        assert match is not None
        assert (match.reason, match.paper.signer_name) == (MatchReason.EMAIL, "田中 美咲")

    @pytest.mark.parametrize("name", ["田中 美咲", "佐藤 健", None])
    def test_is_told_for_everybody_as_well(self, name: str | None) -> None:
        """The same paper as work rules is told beside the likeness, and only where somebody has neither name nor address."""
        rules = replace(PAPER, kind=None, title="就業規則 第42条")
        like = replace(rules, signer_name="田中 美咲", signer_email="misaki@elsewhere.example")
        match = likeliest(TANAKA, [replace(rules, signer_name=name), like])
        assert match is not None
        assert (match.reason, match.confidence) == (MatchReason.NAME, 0.5)
        assert (match.for_everybody is not None) is (name is None)
        assert match.for_everybody is None or match.for_everybody.reason is MatchReason.EVERYBODY

    def test_namesake_beside_somebody_without_a_name(self) -> None:
        """A namesake takes no work rules from the leaver."""
        rules = replace(PAPER, kind=None, title="就業規則 第42条")
        namesake = replace(rules, signer_name="田中 美咲", signer_email="m.tanaka2@hoshizora.example")
        match = likeliest(TANAKA, [namesake, rules])
        assert match is not None
        assert match.reason is MatchReason.EVERYBODY
        assert likeliest(TANAKA, [replace(rules, signer_name="佐藤 健")]) is None


class TestOpenRegisters:
    async def test_named_and_not_to_be_opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A register that is named without its settings, or unknown, stops the start: none is skipped."""
        monkeypatch.delenv("LASTDAY_CLOUDSIGN_CLIENT_ID", raising=False)
        for names, said in ((["cloudsign"], "LASTDAY_CLOUDSIGN_CLIENT_ID"), (["filing cabinet"], "unknown name")):
            with pytest.raises(NotConfigured, match=said):
                async with open_registers(names):
                    raise AssertionError("it opened")
