"""Whose paper it is: what a signer's name, address and number weigh."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.errors import NotConfigured
from connectors.nda.contract import Paper
from connectors.nda.matching import weigh_paper
from connectors.nda.registry import open_registers
from connectors.nda.signatories import says_whose
from connectors.nda.titles import is_undated, kind_of
from models.vocabulary import Leaver, MatchReason, PaperKind, Says

SURE = 0.9
BESIDE = ("田中 美咲", "タナカ ミサキ", "E1001", "星空商事", "Acme International", "John Samples")
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

    def test_work_rules_without_a_kind(self) -> None:
        """Where a vendor has no field for kinds the title tells that it binds everybody; whoever is named as its signer alone is bound."""
        rules = replace(PAPER, kind=None, title="就業規則 第42条")
        match = weigh_paper(TANAKA, rules)
        assert match is not None
        assert match.reason is MatchReason.EVERYBODY
        assert weigh_paper(TANAKA, replace(rules, signer_name="佐藤 健")) is None

    def test_nobody(self) -> None:
        """A paper without a signer is nobody's, unless it is the work rules'."""
        assert weighed() is None
        rules = weigh_paper(TANAKA, replace(PAPER, kind=PaperKind.WORK_RULES))
        assert rules is not None
        assert rules.reason is MatchReason.EVERYBODY


class TestKindOf:
    @pytest.mark.parametrize(
        "title",
        [
            "退職時誓約書", "【田中】退職時 秘密保持誓約書", "退職時秘密保持誓約書 第3版 2026-11-30", "秘密保持誓約書（退職時）", "秘密保持誓約書（退社時）",
            "退職後の秘密保持に関する誓約書", "退職時誓約書（秘密保持）", "退職時誓約書_確認済.pdf", "退職時誓約書 本人確認済", "退職時誓約書1", "退職時誓約書v2.pdf.pdf",
            "退職時誓約書2026.12.31.pdf", "退職時誓約書 R8.11.30", "退職時誓約書 No.3", "田中美咲退職時誓約書", "退職時誓約書_E1001_タナカミサキ", "退職時誓約書 株式会社星空商事", "退職時誓約書（従業員用）", "【星空商事株式会社】退職時誓約書（田中美咲様）",
            "ＥＸＩＴ　ＰＬＥＤＧＥ", "Exit pledge of confidentiality", "Exit pledge - returned", "Exit pledge - Misaki Tanaka (signed)", "Exit pledge Acme International",
            "Exit pledge, Samples, John", "Complete with DocuSign: Exit pledge.pdf", "Pledge of confidentiality at exit",
        ],
    )  # fmt: skip
    def test_an_exit_pledge(self, title: str) -> None:
        """Names, the company's too, dates, versions and what says that it came back may stand beside a title."""
        assert kind_of(title, beside=BESIDE) is PaperKind.EXIT_PLEDGE

    @pytest.mark.parametrize(
        ("title", "kind"),
        [
            ("入社時誓約書", PaperKind.ENTRY_PLEDGE),
            ("入社時誓約書（退職後の秘密保持を含む）", PaperKind.ENTRY_PLEDGE),
            ("入社時_秘密保持誓約書_田中美咲.pdf", PaperKind.ENTRY_PLEDGE),
            ("新製品プロジェクト秘密保持契約書", PaperKind.PROJECT_NDA),
            ("新製品プロジェクト 秘密保持契約書", PaperKind.PROJECT_NDA),
            ("Mutual NDA", PaperKind.PROJECT_NDA),
            ("就業規則", PaperKind.WORK_RULES),
            ("就業規則 第42条（秘密保持）", PaperKind.WORK_RULES),
        ],
    )
    def test_another_kind(self, title: str, kind: PaperKind) -> None:
        assert kind_of(title, beside=BESIDE) is kind

    @pytest.mark.parametrize(
        "title",
        [
            *(f"退職時誓約書 {other}" for other in (
                "記入例", "未提出", "未締結", "未署名", "署名なし", "署名待ち", "取消", "白紙", "サンプル", "見本", "ひな形", "下書き", "無効", "破棄", "様式", "不要", "撤回書",
                "拒否理由書", "送付状", "説明資料", "督促状", "解除通知書", "佐藤花子", "営業部", "署名予定", "（インターン）",
            )),
            *(f"Exit pledge - {other}" for other in (
                "not signed", "declined", "void", "blank", "refusal", "draft (unsigned)", "template", "sample", "cover letter", "intern", "to be signed", "signed: no", "×", "?",
            )),
            "退職時誓約書 " + "あ " * 10_000, "入社時誓約書 退職時誓約書", "入社時誓約書（退職時）", "秘密保持誓約書 入社時 退職時", "入社および退職に関する誓約書", "誓約書", "退職届", "雇用契約書", "返却誓約書", "退職時返却誓約書",
            "秘密保持誓約書（返却）", "反社会的勢力排除に関する誓約書", "反社排除誓約書", "就業規則 閲覧申請書", "就業規則閲覧申請書", "秘密情報閲覧申請書", "秘密保持誓約書（退職時）未署名",
            "Return of company property pledge", "NDA checklist",
        ],
    )  # fmt: skip
    def test_is_asked(self, title: str) -> None:
        """Whatever else stands beside a title makes it doubtful: nobody needs to have thought of the word."""
        assert kind_of(title, beside=BESIDE) is None
        assert not is_undated(title, beside=BESIDE)

    def test_the_company_s_own(self) -> None:
        """A title of the company's own counts as a whole as well, and outranks ours."""
        own = {PaperKind.EXIT_PLEDGE: ["退職者確認書"], PaperKind.ENTRY_PLEDGE: ["秘密保持誓約書"]}
        assert kind_of("退職者確認書 田中", own, BESIDE) is PaperKind.EXIT_PLEDGE
        assert kind_of("退職者確認書", {}) is kind_of("新退職者確認書", own) is None
        assert kind_of("秘密保持誓約書", own) is PaperKind.ENTRY_PLEDGE
        assert not is_undated("秘密保持誓約書", own)

    @pytest.mark.parametrize(
        "title", ["秘密保持誓約書", "秘密保持誓約書2024", "機密保持に関する誓約書_田中", "Pledge of Confidentiality"]
    )
    def test_a_pledge_that_does_not_say_of_when(self, title: str) -> None:
        assert is_undated(title, beside=BESIDE)
        assert kind_of(title, beside=BESIDE) is None


class TestSaysWhose:
    @pytest.mark.parametrize(
        ("written", "names"),
        [
            ({"name": "山田 太郎", "romaji": "Yamada Taro"}, (
                "山田太郎", "太郎 山田", "YAMADA-TARO", "Taro.Yamada", "yamadataro", "TAROYAMADA", "YAMADA_TARO", "Yamada/Taro", "Tarou Yamada", "Mr Taro Yamada",
                "Taro YAMADA (Acme)",
            )),
            ({"name": "高橋健一"}, ("髙橋健一", "高橋 健一", "高橋(健一)", "高橋健一 様")),
            ({"name": "渡辺花子"}, ("渡邉花子", "佐藤(渡辺)花子")),
            ({"name": "森恵"}, ("森 恵", "森恵", "森(恵)")),
            ({"name": "大野真", "romaji": "OHNOMAKOTO"}, ("Ono Makoto", "Makoto Oono")),
            ({"name": "星 空子", "former_name": "月"}, ("月 空子", "月空子")),
            ({"name": "星 空子", "kana": "ホシ ソラコ"}, ("ホシソラコ", "Sorako Hoshi")),
            ({"name": "José García"}, ("JOSE GARCIA LOPEZ",)),
            ({"name": "星 空子", "email": "e1@example.test"}, ("星空子1", "星 空子 課長代理", "人事部星空子", "星空子 <e1@example.test>", "e1@example.test")),
            ({"name": "原 由美子", "romaji": "Hara Yumiko"}, ("YUMIKOHARA", "harayumiko", "原由美子")),
            ({"name": "Maria De La Cruz"}, ("Maria Delacruz", "MARIADELACRUZ")),
            ({"name": "伊藤 健一", "romaji": "Ito Kenichi"}, ("Ken'ichi Ito",)),
            ({"name": "Maria Aparecida da Silva dos Santos"}, ("Maria Aparecida da Silva dos Santos", "SANTOS, Maria Aparecida da Silva dos")),
            ({"name": "星 空子（派遣）"}, ("星 空子", "星空子（営業部）")),
        ],
    )  # fmt: skip
    def test_the_leaver_s(self, written: dict[str, Any], names: tuple[str, ...]) -> None:
        """The full name in any order and with anything beside it."""
        assert {name: says_whose(Leaver("E1", **written), name) for name in names} == dict.fromkeys(names, Says.FACT)

    @pytest.mark.parametrize(
        ("written", "names"),
        [
            ({"name": "山田 太郎", "romaji": "Yamada Taro"}, ("鈴木 一郎", "山田 次郎", "山田花子", "Suzuki Ichiro", "代表取締役 鈴木一郎")),
            ({"name": "山田 太郎", "romaji": "Yamada Taro", "kana": "ヤマダ タロウ"}, ("Jiro Yamada", "ヤマダ ジロウ")),
            ({"name": "渡辺花子"}, ("渡辺 次郎", "佐藤花代")),
            ({"name": "Li Na"}, ("Lina Tanaka",)),
            ({"name": "星 空子", "email": "e1@example.test"}, (
                "月 影子 20240101", "月影子1", "月影子 E0042", "月影子 課長代理", "部長代理 月影子", "人事部月影子", "月影子 <kage@x.test>", "月 影子 <e1@example.test>",
                "kageko.tsuki@example.test",
            )),
            ({"name": "星 空子", "romaji": "Hoshi Sorako"}, ("月 影子 代理", "星 空子 代理", "月影子（星空子 代筆）", "Tsuki for Hoshi Sorako", "p.p. Hoshi Sorako")),
            ({"name": "原 由美子", "kana": "ハラ ユミコ", "romaji": "Hara Yumiko"}, ("Yumi Kohara", "コハラ ユミ")),
            ({"name": "池 恵理子", "romaji": "Ike Eriko"}, ("Eri Koike",)),
            ({"name": "高橋真一"}, ("鈴木 一",)),
            ({"name": "张 伟"}, ("陈 丽",)),
        ],
    )  # fmt: skip
    def test_another_s(self, written: dict[str, Any], names: tuple[str, ...]) -> None:
        """Another full name, and the same family name with another given name, whatever stands beside it; who signs for somebody; another address at the company."""
        said = {name: says_whose(Leaver("E1", **written), name) for name in names}
        assert said == dict.fromkeys(names, Says.CONTRADICTION)

    @pytest.mark.parametrize(
        ("written", "names"),
        [
            ({"name": "山田 太郎"}, ("Suzuki Ichiro", "ヤマダ タロウ", "山田", "鈴木 太郎", "人事部 山田", "20240101ABCDEF", "t@example.test", "")),
            ({"name": "山田 太郎", "romaji": "Yamada Taro"}, ("T. Yamada", "Taro Smith", "Jiro Yamada")),
            ({"name": "渡辺花子"}, ("渡辺", "佐藤 花子", "佐藤花子", "花子")),
            ({"name": "星 空子", "kana": "ホシ ソラコ", "romaji": "Hoshi Sorako"}, ("佐藤空子", "サトウソラコ", "SORAKOSATO", "SATOSORAKO", "Sorako")),
            ({"name": "Hoshi Sorako"}, ("SORAKOSATO",)),
            ({"name": "金 哲秀", "kana": "キム チョルス", "romaji": "Kim Cheolsu"}, ("김철수",)),
            ({"name": "張 偉"}, ("张伟", "Чжан Вэй")),
            ({"name": "劉 國強"}, ("刘国强",)),
        ],
    )  # fmt: skip
    def test_nobody_can_tell(self, written: dict[str, Any], names: tuple[str, ...]) -> None:
        """A number, other letters, one word of two where a marriage, or the other order, may be behind it."""
        said = {name: says_whose(Leaver("E1", **written), name) for name in names}
        assert said == dict.fromkeys(names, Says.NEITHER)


class TestOpenRegisters:
    async def test_named_and_not_to_be_opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A register that is named without its settings, or unknown, stops the start: none is skipped."""
        monkeypatch.delenv("LASTDAY_CLOUDSIGN_CLIENT_ID", raising=False)
        for names, said in ((["cloudsign"], "LASTDAY_CLOUDSIGN_CLIENT_ID"), (["filing cabinet"], "unknown name")):
            with pytest.raises(NotConfigured, match=said):
                async with open_registers(names):
                    raise AssertionError("it opened")
