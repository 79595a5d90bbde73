"""What is said of papers, each sentence in English and in Japanese."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.vocabulary import NdaState, PaperKind


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence in both languages, without a full stop."""

    english: str
    japanese: str


def join(lines: Iterable[Said]) -> Said:
    """Return the sentences as one."""
    listed = list(lines)
    return Said("; ".join(line.english for line in listed), "。".join(line.japanese for line in listed))


KINDS: Mapping[PaperKind, Said] = MappingProxyType(
    {
        PaperKind.ENTRY_PLEDGE: Said("entry pledge", "入社時誓約書"),
        PaperKind.EXIT_PLEDGE: Said("exit pledge", "退職時誓約書"),
        PaperKind.WORK_RULES: Said("article of the work rules", "就業規則の秘密保持条項"),
        PaperKind.PROJECT_NDA: Said("project NDA", "案件別秘密保持契約"),
    }
)

# -- what the paper itself shows

PROOFS: Mapping[str, Said] = MappingProxyType(
    {
        "verified": Said("its electronic signature verifies", "電子署名を検証済み"),
        "untrusted": Said(
            "its electronic signature is unbroken, but its certificate leads to none of our roots",
            "電子署名は破損していないが、証明書が信頼された認証局につながらない",
        ),
        "none": Said(
            "a scan or print without electronic signature: it proves nothing by itself, keep the original",
            "電子署名のないスキャン等。それ自体は証拠とならないため原本を保管すること",
        ),
        "broken": Said("changed after it was signed", "署名後に改変されている"),
        "": Said("in force, nobody signs it", "施行中（署名を要しない）"),
    }
)
EXCHANGED = Said(
    "its bytes are not those that were seen at first: ask who exchanged the file, both are kept as evidence",
    "初回の確認時とファイルの内容が異なる。差し替えた者に確認すること（双方を証拠として保管）",
)
OTHER_BYTES = Said("its bytes are not those that the register recorded", "ファイルが登録時のものと異なる")
NOT_COMPLETED = Said("on file, not signed by everyone", "未署名（全員の署名がそろっていない）")
DECLINED = Said("declined in the register", "署名サービス上で署名が拒否された")
NO_DATE = Said("its date of signature is not known", "署名日が不明")
IN_FUTURE = Said("its date of signature lies ahead", "署名日が未来の日付")
FORMER_EMPLOYMENT = Said(
    "signed in an earlier employment, or for another departure", "以前の在職期間または別の退職に関するもの"
)
AFTER_END = Said("signed after the last day of employment", "退職日より後に署名された")
LONG_BEFORE_ENTRY = Said("signed long before the entry", "入社日よりかなり前に署名された")
OTHER_DAY = Said("its timestamp bears another day than the register", "タイムスタンプの日付が登録簿の署名日と異なる")
NOT_SURVIVING = Said("does not bind after the employment", "退職後は効力がない")
SURVIVAL_UNKNOWN = Said("whether it binds after the employment is not recorded", "退職後の効力が記録されていない")
OTHER_WORDING = Said("its wording is not among the known versions", "書式が既知の版と一致しない")
OTHER_LANGUAGE = Said("written in a language that policy does not name", "社内規定の対象外の言語で書かれている")
KIND_BY_TITLE = Said("its kind is read from its title", "種別は件名から判断した")
KIND_UNKNOWN = Said("what kind of paper it is cannot be told", "文書の種別が判別できない")
NAME_ITS_KIND = Said(
    "If it is a confidentiality paper, name its kind in the register, or in its title",
    "秘密保持に関する文書であれば、登録簿または件名で種別を明示する",
)
RULED = Said("a person ruled that it is the leaver's", "担当者が本人の文書と判断した")


def expired(on: str) -> Said:
    """Its term has ended."""
    return Said(f"its term ended on {on}", f"{on} に期限切れ")


def ends_early(on: str, years: int) -> Said:
    """It binds for less long than policy wants."""
    return Said(f"binds until {on}, less than {years} years after", f"効力は {on} まで（退職後{years}年に満たない）")


def unreadable(why: str) -> Said:
    """The paper's bytes could not be had or opened.  *why* is a register's or reader's own sentence."""
    return Said(f"cannot be read: {why}", f"読み取れない（{why}）")


def certified(names: str) -> Said:
    """Whom the certificates of its signatures name: the signer, or a signing service."""
    return Said(f"its certificate names {names}", f"証明書の名義: {names}")


def bad_cells(problem: str) -> Said:
    """The register's own record has cells without sense."""
    return Said(f"its record is unclear: {problem}", f"登録内容に不備がある（{problem}）")


# -- why a paper is not accepted


def namesake(why: str) -> Said:
    """Somebody else's."""
    return Said(f"another person's: {why}", f"別人の文書（{why}）")


def doubtful(why: str, confidence: float) -> Said:
    """Perhaps the leaver's: a person must look."""
    return Said(f"perhaps the leaver's ({confidence:.2f}): {why}", f"本人のものか不確か（{confidence:.2f}: {why}）")


def rejected(why: str) -> Said:
    """A person said no."""
    return Said(f"a person ruled that it is not the leaver's: {why}", f"担当者が別人の文書と判断した（{why}）")


RULE = Said(
    "Look at it, then run `lastday nda accept CASE REGISTER:PAPER --reason …` (or --not-theirs)",
    "内容を確認し `lastday nda accept CASE REGISTER:PAPER --reason …`（別人なら --not-theirs）を実行",
)

# -- what is missing


def missing(kind: PaperKind, *, others: int, doubtfuls: int) -> Said:
    """No such paper.  *others* were a namesake's, *doubtfuls* perhaps the leaver's."""
    name = KINDS[kind]
    english, japanese = f"no {name.english} of this person on file", f"本人の{name.japanese}が見つからない"
    if others:
        english += f"; {others} of another person of a like name not accepted"
        japanese += f"（同姓同名等の別人の文書 {others} 件は不採用）"
    if doubtfuls:
        english += f"; {doubtfuls} doubtful, a person must rule"
        japanese += f"（要確認 {doubtfuls} 件）"
    return Said(english, japanese)


def blind(problems: str) -> Said:
    """A register could not be searched: whether there is one is not known."""
    return Said(f"not known: {problems}", f"確認できない（{problems}）")


def refused(on: str, witness: str, entry: str | None, *, rules: bool) -> Said:
    """The leaver declined; what binds on."""
    before = f" before {witness}" if witness else ""
    falls_en, falls_ja = [], []
    if entry is not None:
        falls_en.append(f"the entry pledge ({entry})")
        falls_ja.append(f"入社時誓約書（{entry}）")
    if rules:
        falls_en.append("the work rules")
        falls_ja.append("就業規則")
    rest_en = " and ".join(falls_en) + " bind on" if falls_en else "nothing else on file binds"
    rest_ja = "・".join(falls_ja) + "が引き続き有効" if falls_ja else "他に有効な文書がない"
    return Said(
        f"declined on {on}{before}, which is lawful; {rest_en}",
        f"{on} に署名拒否{f'（立会人 {witness}）' if witness else ''}。署名は任意。{rest_ja}",
    )


# -- what to do

ASK_NOW = Said(
    "Ask for it while the person is still there: `lastday nda pledge CASE`",
    "在職中に依頼する: `lastday nda pledge CASE`",
)
ASK_LATE = Said(
    "The last day has passed: ask by letter (`lastday nda pledge CASE --file OUT`), and rely on the entry pledge and the work rules",
    "退職日を過ぎている: 書面で依頼し（`lastday nda pledge CASE --file OUT`）、入社時誓約書と就業規則に依拠する",
)
WAIT = Said("Asked for; it comes back into the case by itself", "依頼済み。署名されると自動で案件に反映される")
REMEDIES: Mapping[NdaState, Said] = MappingProxyType(
    {
        NdaState.UNSIGNED: Said(
            "Have it signed; a reminder goes out on schedule", "署名を依頼する（予定日に督促される）"
        ),
        NdaState.REFUSED: Said(
            "Nothing more is asked of the person; have legal weigh the raised risk",
            "これ以上は依頼しない。法務が高まったリスクを評価する",
        ),
        NdaState.MISSING: Said(
            "Find the paper, file it in the register with the employee number, and check again",
            "文書を探し、社員番号を付けて登録簿に登録し、再確認する",
        ),
        NdaState.EXPIRED: Said("Have it renewed by the exit pledge", "退職時誓約書で更新する"),
        NdaState.ALTERED: Said(
            "Keep the file as it is, find out who changed it, and have the original shown",
            "ファイルを現状のまま保全し、改変者を調べ、原本を確認する",
        ),
        NdaState.UNREADABLE: Said(
            "Have the register or the paper made readable; the sweep looks again",
            "登録簿または文書を読める状態にする（定期的に再確認される）",
        ),
    }
)
