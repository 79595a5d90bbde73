"""
What a paper is by its title, where a register keeps contracts of every sort and names no kind.

A title counts as a whole, from a list: 返却誓約書 has the word in it and is no pledge of confidentiality.  Around it a name, a date or a
version may stand, but no word of another paper.  What is in no list, a person names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from models.vocabulary import PaperKind

_CONFIDENTIALITY = ("秘密保持", "機密保持", "秘密情報保持", "機密情報保持", "守秘義務", "営業秘密保持")
UNDATED: frozenset[str] = frozenset(
    {f"{what}{of}誓約書" for what in _CONFIDENTIALITY for of in ("", "に関する")}
    | {"confidentiality pledge", "pledge of confidentiality", "non-disclosure pledge"}
)
"""A pledge of entry or of exit: the day on which it was signed tells."""
_AT_ENTRY, _AT_EXIT = (
    ("入社時", "入社", "入社の際の", "採用時", "入職時"),
    ("退職時", "退職", "退職者", "退職に伴う", "退職に際しての", "退社時", "離職時"),
)
_PLEDGES = ("誓約書", "念書", *(f"{what}{of}誓約書" for what in _CONFIDENTIALITY for of in ("", "に関する")), "秘密保持及び競業避止に関する誓約書", "秘密保持および競業避止に関する誓約書", "秘密保持及び競業避止誓約書")  # fmt: skip
TITLES: Mapping[PaperKind, frozenset[str]] = {
    PaperKind.ENTRY_PLEDGE: frozenset(
        {f"{when}{no}{pledge}" for when in _AT_ENTRY for no in ("", "の") for pledge in _PLEDGES}
        | {"entry pledge", "entry confidentiality pledge", "entry pledge of confidentiality", "pledge on joining", "onboarding confidentiality agreement"}
    ),
    PaperKind.EXIT_PLEDGE: frozenset(
        {f"{when}{no}{pledge}" for when in _AT_EXIT for no in ("", "の") for pledge in _PLEDGES}
        | {"退職後の秘密保持に関する誓約書", "退職後の秘密保持誓約書", "退職後の守秘義務に関する誓約書"}
        | {"exit pledge", "exit confidentiality pledge", "exit pledge of confidentiality", "pledge on leaving", "separation confidentiality agreement", "offboarding confidentiality agreement"}
    ),
    PaperKind.PROJECT_NDA: frozenset({
        "秘密保持契約書", "秘密保持契約", "機密保持契約書", "機密保持契約", "nda", "mutual nda", "non-disclosure agreement",
        "mutual non-disclosure agreement", "confidentiality agreement", "秘密保持に関する契約書",
    }),
    PaperKind.WORK_RULES: frozenset({"就業規則", "work rules", "rules of employment"}),
}  # fmt: skip
_PROJECT = re.compile(
    r"\w+(?:プロジェクト|案件|共同研究|共同開発|業務委託)(?:における|に関する|の)?(?:秘密|機密)(?:情報)?保持契約書?"
)
_WHEN = {**dict.fromkeys(("入社時", "入社", "採用時"), PaperKind.ENTRY_PLEDGE), **dict.fromkeys(("退職時", "退職", "退職者用"), PaperKind.EXIT_PLEDGE)}  # fmt: skip
_DONE = re.compile(r"(?:本人)?(?:確認|受領|署名|締結|回収|押印)済み?|returned|signed|countersigned")
_OF_ANOTHER_PAPER = re.compile(
    r"誓約|契約|念書|返却|返還|反社|暴力団|申請|同意|承諾|届|願|受領|閲覧|確認|撤回|拒否|督促|解除|不要|説明|資料|見本|ひな形|雛形|ひな型|テンプレ|未署名|案$|"
    r"書$|状$|表$|サンプル|記入例|未提出|未締結|署名なし|署名待|取消|白紙|"
    r"pledge|agreement|contract|request|return|receipt|consent|refus|draft|unsigned|checklist|terminat|notice|template|sample|reminder|declined|void|blank|^not$"
)
"""What makes another paper of it, or none; what says only that it came back is no such word."""
_OF_SOME_WORK = re.compile(r"インターン|プロジェクト|案件|業務委託|共同研究|共同開発|project|intern")
"""What a project's paper has in its title, and no pledge of entry or of exit."""
_ENDING = re.compile(r"\.(?:pdf|docx?|xlsx?|jpe?g|png|tiff?)$")


def kind_of(title: str, own: Mapping[PaperKind, Collection[str]] | None = None) -> PaperKind | None:
    """Return the kind that *title* names, None if it names none or more than one.  *own*: the company's titles besides ours, by kind."""
    words = _words(title)
    of_work = any(_OF_SOME_WORK.search(word) for word in words)
    kinds = {
        kind
        for kind in PaperKind
        if _is_one_of(words, {*TITLES.get(kind, ()), *(own or {}).get(kind, ())})
        and (kind is PaperKind.PROJECT_NDA or not of_work)
    }
    if not kinds and len(words) == 1 and _PROJECT.fullmatch(words[0]):
        return PaperKind.PROJECT_NDA
    if is_undated(title):
        kinds |= {_WHEN[word] for word in words if word in _WHEN}
    return kinds.pop() if len(kinds) == 1 else None


def is_undated(title: str) -> bool:
    """Whether *title* names a pledge of confidentiality, and not whether it is one of entry or of exit."""
    words = _words(title)
    return _is_one_of(words, UNDATED) and not any(_OF_SOME_WORK.search(word) for word in words)


def _words(title: str) -> list[str]:
    """Return the words of a title as it would be filed: without its ending, and between blanks, brackets and strokes."""
    text = _ENDING.sub("", unicodedata.normalize("NFKC", title).casefold().strip())
    return [word for word in re.split(r"[\W_]+", text) if word]


def _is_one_of(words: list[str], titles: Collection[str]) -> bool:
    """Whether a run of *words* is one of *titles*, and no other word is of another paper."""
    wholes = {"".join(_words(title)) for title in titles}
    return any(
        not any(_OF_ANOTHER_PAPER.search(word) for word in rest if not _DONE.fullmatch(word))
        for rest in _beside(words, wholes)
    )


def _beside(words: list[str], wholes: Collection[str]) -> Iterator[list[str]]:
    """Yield what stands around each run of *words* that is one of *wholes*."""
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            if "".join(words[start:end]) in wholes:
                yield [*words[:start], *words[end:]]
