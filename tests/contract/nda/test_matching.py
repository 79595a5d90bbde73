"""Whose paper it is: what a signer's name, address and number weigh."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.errors import NotConfigured
from connectors.nda.contract import Paper
from connectors.nda.matching import weigh_paper
from connectors.nda.registry import open_registers
from connectors.nda.titles import is_undated, kind_of
from models.vocabulary import Leaver, MatchReason, PaperKind

SURE = 0.9
TANAKA = Leaver(
    "E1001", "田中 美咲", "misaki.tanaka@hoshizora.example", ("misaki@mail.example",), "タナカ ミサキ", "Tanaka Misaki"
)
PAPER = Paper("folder", "1", PaperKind.ENTRY_PLEDGE)


def weighed(
    name: str | None = None, email: str | None = None, number: str | None = None, who: Leaver = TANAKA
) -> tuple[MatchReason, float] | None:
    """Reason and confidence for a paper with such a signer."""
    match = weigh_paper(who, replace(PAPER, signer_name=name, signer_email=email, signer_employee_no=number))
    return (match.reason, match.confidence) if match is not None else None


class TestWeighPaper:
    @pytest.mark.parametrize("name", ["田中 美咲", "田中美咲 様", "タナカ　ミサキ", "Misaki TANAKA", None])
    def test_company_address(self, name: str | None) -> None:
        """The company's address with the leaver's name in any script, or without one, is his."""
        found = weighed(name, "Misaki.Tanaka@hoshizora.example")
        assert found is not None
        assert found[1] > SURE

    def test_private_address(self) -> None:
        """The private address alone leaves a doubt; with the name it is his."""
        assert weighed(None, "misaki@mail.example") == (MatchReason.OTHER_EMAIL, 0.8)
        assert weighed("田中美咲", "misaki@mail.example") == (MatchReason.OTHER_EMAIL, 0.92)

    @pytest.mark.parametrize("email", ["misaki.tanaka@hoshizora.example", "misaki@mail.example"])
    def test_somebody_elses_name(self, email: str) -> None:
        """An address used again, or a family's: with another name nobody accepts it unseen."""
        found = weighed("佐藤 健", email)
        assert found is not None
        assert found[1] <= 0.6

    @pytest.mark.parametrize(
        ("email", "number"), [("m.tanaka2@hoshizora.example", None), (None, "E2222"), ("x@mail.example", "E2222")]
    )
    def test_namesake(self, email: str | None, number: str | None) -> None:
        """The same name with another number, or at another address of the company: a different person."""
        assert weighed("田中 美咲", email, number) == (MatchReason.DIFFERENT_PERSON, 0.0)

    def test_name_alone(self) -> None:
        """A name alone, or with a stranger's address, is for a person to decide."""
        assert weighed("田中 美咲") == weighed("田中 美咲", "m@elsewhere.example") == (MatchReason.NAME, 0.5)

    def test_number(self) -> None:
        """The employee number decides, unless everything else contradicts it."""
        assert weighed("田中 美咲", None, "Ｅ１００１") == (MatchReason.EMPLOYEE_NO, 1.0)
        found = weighed("佐藤 健", "ken@hoshizora.example", "E1001")
        assert found is not None
        assert found[1] < SURE

    def test_nobody(self) -> None:
        """A paper without a signer is nobody's, unless it is the work rules'."""
        assert weighed() is None
        rules = weigh_paper(TANAKA, replace(PAPER, kind=PaperKind.WORK_RULES))
        assert rules is not None
        assert rules.reason is MatchReason.EVERYBODY


class TestKindOf:
    @pytest.mark.parametrize(
        ("title", "kind"),
        [
            ("入社時誓約書", PaperKind.ENTRY_PLEDGE),
            ("【田中】退職時 秘密保持誓約書", PaperKind.EXIT_PLEDGE),
            ("入社時誓約書（退職後の秘密保持を含む）", PaperKind.ENTRY_PLEDGE),
            ("Exit pledge of confidentiality", PaperKind.EXIT_PLEDGE),
            ("新製品プロジェクト秘密保持契約書", PaperKind.PROJECT_NDA),
            ("Mutual NDA", PaperKind.PROJECT_NDA),
            ("就業規則", PaperKind.WORK_RULES),
            ("退職届", None),
            ("雇用契約書", None),
            ("入社および退職に関する誓約書", None),
            ("誓約書", None),
            ("返却誓約書", None),
            ("退職時返却誓約書", None),
            ("秘密保持誓約書（返却）", None),
            ("反社会的勢力排除に関する誓約書", None),
            ("反社排除誓約書", None),
            ("就業規則 閲覧申請書", None),
            ("就業規則閲覧申請書", None),
            ("秘密情報閲覧申請書", None),
            ("秘密保持誓約書", None),
            ("秘密保持誓約書（退職時）", PaperKind.EXIT_PLEDGE),
            ("入社時_秘密保持誓約書_田中美咲.pdf", PaperKind.ENTRY_PLEDGE),
            ("退職時秘密保持誓約書 第3版 2026-11-30", PaperKind.EXIT_PLEDGE),
            ("退職後の秘密保持に関する誓約書", PaperKind.EXIT_PLEDGE),
            ("入社時誓約書 退職時誓約書", None),
            ("就業規則 第42条（秘密保持）", PaperKind.WORK_RULES),
            ("Confidentiality pledge", None),
            ("ＥＸＩＴ　ＰＬＥＤＧＥ", PaperKind.EXIT_PLEDGE),
            ("Return of company property pledge", None),
            *(
                (f"退職時誓約書 {other}", None)
                for other in (
                    "撤回書",
                    "拒否理由書",
                    "送付状",
                    "説明資料",
                    "ひな形",
                    "見本",
                    "督促状",
                    "解除通知書",
                    "不要",
                )
            ),
            *((f"Exit pledge - {other}", None) for other in ("refusal", "draft (unsigned)", "template")),
            ("退職時誓約書_確認済.pdf", PaperKind.EXIT_PLEDGE),
            ("退職時誓約書 本人確認済", PaperKind.EXIT_PLEDGE),
            ("Exit pledge - returned", PaperKind.EXIT_PLEDGE),
            ("NDA checklist", None),
            ("新製品プロジェクト 秘密保持契約書", PaperKind.PROJECT_NDA),
            ("退職時誓約書（インターン）", None),
        ],
    )
    def test_by_title(self, title: str, kind: PaperKind | None) -> None:
        """A title says what it says, and a notice of resignation is no pledge."""
        assert kind_of(title) is kind

    def test_the_company_s_own(self) -> None:
        """A title of the company's own counts as a whole as well."""
        own = {PaperKind.EXIT_PLEDGE: ["退職者確認書"]}
        assert kind_of("退職者確認書 田中", own) is PaperKind.EXIT_PLEDGE
        assert kind_of("退職者確認書", {}) is kind_of("新退職者確認書", own) is None

    @pytest.mark.parametrize("title", ["秘密保持誓約書", "機密保持に関する誓約書_田中", "Pledge of Confidentiality"])
    def test_a_pledge_that_does_not_say_of_when(self, title: str) -> None:
        assert is_undated(title)
        assert kind_of(title) is None


class TestOpenRegisters:
    async def test_named_and_not_to_be_opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A register that is named without its settings, or unknown, stops the start: none is skipped."""
        monkeypatch.delenv("LASTDAY_CLOUDSIGN_CLIENT_ID", raising=False)
        for names, said in ((["cloudsign"], "LASTDAY_CLOUDSIGN_CLIENT_ID"), (["filing cabinet"], "unknown name")):
            with pytest.raises(NotConfigured, match=said):
                async with open_registers(names):
                    raise AssertionError("it opened")
