"""What a paper is by its title."""

from __future__ import annotations

import pytest

from casework.nda.papers.titles import is_undated, kind_of
from models.vocabulary import PaperKind

BESIDE = ("田中 美咲", "タナカ ミサキ", "E1001", "星空商事", "Acme International", "John Samples")


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
