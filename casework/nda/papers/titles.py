"""
Find a paper's kind by its title, for registers that hold contracts of every sort without a kind.

A title from the list must match as a whole: 返却誓約書 contains 誓約書 and is not a pledge of confidentiality.  Only neutral words may be beside
it: names of people and the company, a date, a version, that it was signed.  Any other word (記入例, not signed, 営業部) makes the title
doubtful, and a person decides the kind.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from connectors.names import fold_name, in_latin
from models.vocabulary import PaperKind

_CONFIDENTIALITY = (
    "秘密保持", "機密保持", "秘密情報保持", "機密情報保持", "守秘義務", "営業秘密保持", "秘密保持義務", "秘密情報の保持", "機密情報の保持", "秘密保持等",
)  # fmt: skip
_AND_NO_COMPETITION = tuple(
    f"{what}{also}競業避止{duty}"
    for what in ("秘密保持", "機密保持")
    for also in ("及び", "および", "並びに", "と", "")
    for duty in ("", "義務")
)
_OF_CONFIDENTIALITY = tuple(
    f"{what}{of}誓約書" for what in (*_CONFIDENTIALITY, *_AND_NO_COMPETITION) for of in ("", "に関する", "についての")
)
_UNDATED = (*_OF_CONFIDENTIALITY, "confidentiality pledge", "pledge of confidentiality", "non-disclosure pledge")
"""Titles of a pledge of entry or exit: the words beside it decide which, else the day of signing."""
_AT_ENTRY, _AT_EXIT = (
    ("入社時", "入社", "入社の際の", "採用時", "入職時"),
    ("退職時", "退職", "退職者", "退職に伴う", "退職に際しての", "退職時における", "退社時", "離職時"),
)
_BARE = ("誓約書", "念書")
_PLEDGES = (*_BARE, *_OF_CONFIDENTIALITY)
_OF_LEAVING = frozenset(f"退職{no}{pledge}" for no in ("", "の") for pledge in _BARE)
"""Titles that may also be a promise to leave: a person is asked, unless the company lists the title."""
_TITLES: Mapping[PaperKind, tuple[str, ...]] = {
    PaperKind.ENTRY_PLEDGE: (
        *(f"{when}{no}{pledge}" for when in _AT_ENTRY for no in ("", "の") for pledge in _PLEDGES),
        "entry pledge", "entry confidentiality pledge", "entry pledge of confidentiality", "pledge on joining", "onboarding confidentiality agreement",
    ),
    PaperKind.EXIT_PLEDGE: (
        *(title for when in _AT_EXIT for no in ("", "の") for pledge in _PLEDGES if (title := f"{when}{no}{pledge}") not in _OF_LEAVING),
        "退職後の秘密保持に関する誓約書", "退職後の秘密保持誓約書", "退職後の守秘義務に関する誓約書",
        "exit pledge", "exit confidentiality pledge", "exit pledge of confidentiality", "pledge on leaving",
        "separation confidentiality agreement", "offboarding confidentiality agreement",
    ),
    PaperKind.PROJECT_NDA: (
        "秘密保持契約書", "秘密保持契約", "機密保持契約書", "機密保持契約", "nda", "mutual nda", "non-disclosure agreement",
        "mutual non-disclosure agreement", "confidentiality agreement", "秘密保持に関する契約書",
    ),
    PaperKind.WORK_RULES: ("就業規則", "work rules", "rules of employment"),
}  # fmt: skip
_PROJECT = re.compile(
    r"(?!.*(?:未|見本|記入例|例示|サンプル|ひな[形型]|雛[形型]|草案|下書|白紙|解約|解除|終了|満了|破棄|取消|取下|撤回|無効|失効|却下|辞退|拒否|不成立|不締結|sample|draft|void|cancel|expired|declined|unsigned))"
    r"\w+(?:プロジェクト|案件|共同研究|共同開発|業務委託)(?:における|に関する|の)?(?:秘密|機密)(?:情報)?保持契約書?"
)
_WHEN = {
    **{f"{when}{use}": PaperKind.ENTRY_PLEDGE for when in (*_AT_ENTRY, "入社者") for use in ("", "用")},
    **{f"{when}{use}": PaperKind.EXIT_PLEDGE for when in _AT_EXIT for use in ("", "用")},
    **dict.fromkeys(("entry", "joining", "onboarding"), PaperKind.ENTRY_PLEDGE),
    **dict.fromkeys(("exit", "leaving", "separation", "offboarding"), PaperKind.EXIT_PLEDGE),
}
"""Words beside an undated pledge that say whether it is one of entry or exit."""
_SAYS_NOTHING = re.compile(
    r"\d+|第|版|年|月|日|号|条|項|付け?|令和|平成|改訂版?|改定版?|最終版?|fy|v|ver|version|rev|r|h|final|"
    r"様|殿|氏|さん|mr|ms|mrs|dr|by|of|for|the|at|on|(?:全|正|契約)?(?:社員|従業員|職員|役員)用?|"
    r"(?:本人|電子)?(?:署名|締結|確認|受領|受理|押印|捺印|回収)済み?|済み?|signed|countersigned|executed|completed|returned|"
    r"株式会社|有限会社|合同会社|inc|ltd|llc|corp|co|k|原本|正本|副本|控え?|写し?|コピー|スキャン|電子版|copy|scan|scanned|pdf|docx?|xlsx?|jpe?g|png|tiff?|"
    rf"(?:退職後の)?(?:{'|'.join(_CONFIDENTIALITY)})(?:義務)?(?:条項)?(?:を?含む)?"
)
"""Neutral words beside a title: they do not change what the paper is."""
_ASKING = re.compile(r"^(?:complete with|please)\s+docusign\s*:\s*")
"""DocuSign's prefix of the file's name in a subject; it stays there after all have signed."""

_MOST_WORDS = 64
"""Most words of a title that is examined; a longer title has no kind."""
_LATIN = r"a-z\u00df-\u024f\u1e00-\u1eff"
_APART = r"\s\-‐‑‒–—―−・･.,、。:;/\\|()\[\]{}<>〔〕【】「」『』〈〉《》'\"“”‘’~〜_\u00ad\u200b-\u200f\u2060\ufe0e\ufe0f\ufeff"
"""Characters that separate words and have no meaning; any other sign (❌, ?, ※) is a word."""
_WORD = re.compile(rf"\d+|[{_LATIN}]+|[^\W\d_{_LATIN}]+|[^\w{_APART}]")
_NUMBER = re.compile(r"\bno\.?\s*(?=\d)")


def kind_of(
    title: str, own: Mapping[PaperKind, Collection[str]] | None = None, beside: Collection[str] = ()
) -> PaperKind | None:
    """
    Return the kind that *title* names; None if it names no kind, more than one, or is doubtful.

    *own*: the company's titles by kind, which outrank ours.  *beside*: names of people and of the company, which are neutral.
    """
    kinds = _kinds(title, own or {}, beside)
    return next(iter(kinds)) if len(kinds) == 1 else None


def is_undated(
    title: str, own: Mapping[PaperKind, Collection[str]] | None = None, beside: Collection[str] = ()
) -> bool:
    """Whether *title* names a pledge of confidentiality without saying whether it is one of entry or exit."""
    return _kinds(title, own or {}, beside) == {None}


def mentioned(title: str, own: Mapping[PaperKind, Collection[str]] | None = None) -> frozenset[PaperKind | None]:
    """
    Return the kinds whose titles occur in *title*, beside any other words; None for a pledge without entry or exit.

    Includes kinds that may be meant without naming confidentiality: by 退職念書, or by 誓約書 beside entry or exit.
    """
    words = _words(title)
    bare = (rest for _, rest in _around(words, dict.fromkeys(_BARE)))
    maybe = {_WHEN[word] for rest in bare for word in rest if word in _WHEN}
    every = {**dict.fromkeys(_OF_LEAVING, PaperKind.EXIT_PLEDGE), **_wholes(own or {})}
    return frozenset(maybe.union(whole for whole, _ in _around(words, every)))


def _wholes(own: Mapping[PaperKind, Collection[str]]) -> Mapping[str, PaperKind | None]:
    return {**_WHOLES, **{_joined(one): kind for kind, titles in own.items() for one in titles}}


def _kinds(title: str, own: Mapping[PaperKind, Collection[str]], beside: Collection[str]) -> set[PaperKind | None]:
    words, names = _words(_without(title, beside)), _name_words(frozenset(beside))
    found: set[PaperKind | None] = set()
    for whole, rest in _around(words, _wholes(own)):
        said = [word for word in rest if not _SAYS_NOTHING.fullmatch(word) and fold_name(word) not in names]
        times: set[PaperKind | None] = {_WHEN.get(word) for word in said}
        if None in times:
            continue
        if whole is None and len(times) == 1:
            found |= times
        elif not times or times == {whole}:
            found.add(whole)
    if not found and _PROJECT.fullmatch("".join(words)):
        return {PaperKind.PROJECT_NDA}
    return found


def _around(words: list[str], wholes: Mapping[str, PaperKind | None]) -> Iterator[tuple[PaperKind | None, list[str]]]:
    """Yield, for each run of *words* that is a whole title, its kind and the words around it."""
    for start in range(len(words) if len(words) <= _MOST_WORDS else 0):
        for end in range(start + 1, len(words) + 1):
            run = "".join(words[start:end])
            if run in wholes:
                yield wholes[run], [*words[:start], *words[end:]]


def _fold(title: str) -> str:
    return unicodedata.normalize("NFKC", title).casefold().strip()


def _words(title: str) -> list[str]:
    """Return the words of a title; Latin letters, other letters and numbers are separate words even without a space: 退職時誓約書v2."""
    return _WORD.findall(_NUMBER.sub("", _ASKING.sub("", _fold(title))))


def _joined(title: str) -> str:
    return "".join(_words(title))


def _without(title: str, beside: Collection[str]) -> str:
    """Return *title* without the names that are joined to it without a space: 星空子退職時誓約書."""
    text = _fold(title)
    written = {form for name in map(_fold, beside) for form in (name, "".join(name.split())) if not form.isascii()}
    for name in sorted(written, key=len, reverse=True):
        text = text.replace(name, " ") if len(name) > 2 else text  # 星 is part of other words, too
    return text


@lru_cache(maxsize=1024)
def _name_words(beside: frozenset[str]) -> frozenset[str]:
    """Return the folded words of names, each word and all of a name joined."""
    forms = [form for name in beside for form in (name, in_latin(name)) if form]
    every = (words for form in forms for words in (_words(form), _words(form)[::-1]))
    return frozenset(fold_name(word) for words in every for word in (*words, "".join(words)) if word)


_WHOLES: Mapping[str, PaperKind | None] = {
    **{_joined(one): kind for kind, titles in _TITLES.items() for one in titles},
    **dict.fromkeys(map(_joined, _UNDATED)),
}
