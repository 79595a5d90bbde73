"""
Confidentiality marks in titles and labels.  A mark is a word of its own: 「秘」 alone, in brackets or at an end is a mark, 秘書 (a secretary)
and 秘密保持契約 (an agreement that anybody may hold) are not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_PLAIN = ("極秘", "社外秘", "部外秘", "取扱注意", "マル秘", "丸秘", "厳秘", "関係者外秘", "関係者限り", "秘匿", "持出禁止", "持ち出し禁止", "営業秘密")  # fmt: skip
_ENGLISH = (
    "strictly confidential", "highly confidential", "company confidential", "confidential", "top secret", "trade secret",
    "internal use only", "internal only", "do not distribute", "proprietary",
)  # fmt: skip
_AGREEMENTS = re.compile(
    r"(?:秘密保持|機密保持|守秘義務)(?:契約|誓約|条項|義務|規程|規定|覚書|同意|確認)*(?:書|証)?"
    r"|non[\W_]?disclosure|confidentiality[\W_](?:agreement|clause|pledge|notice)"
    r"|non[\W_]?confidential|not[\W_]confidential|機密性[0-9]?なし"
    r"|秘匿化|営業秘密(?:の|に関する)?(?:研修|管理|保護|教育|指針|規程|規定|ガイド)|取扱注意事項"
)
_BETWEEN = re.compile(r"[\s_-]+")
_ALONE = re.compile(r"(?<![぀-ヿ一-鿿])秘(?![぀-ヿ一-鿿])")
_SECRETS = re.compile(r"機密(?!保持|性1|なし)")


@lru_cache(maxsize=8)
def _pattern(own: tuple[str, ...]) -> re.Pattern[str]:
    plain = "|".join(re.escape(_fold(word)) for word in (*_PLAIN, *own) if word.strip())
    english = "|".join(word.replace(" ", r"[\s_-]*") for word in _ENGLISH)
    return re.compile(rf"{plain}|(?<![a-z])(?:{english})(?![a-z])|{_SECRETS.pattern}|{_ALONE.pattern}")


def mark_of(texts: Iterable[str | None], own: tuple[str, ...] = ()) -> str | None:
    """Return the first mark found in *texts*, in one spelling; None if there is no mark.  *own*: the company's own words."""
    return next((mark for text in texts if text is not None and (mark := _mark_in(text, own)) is not None), None)


@lru_cache(maxsize=20_000)
def _mark_in(text: str, own: tuple[str, ...]) -> str | None:
    found = _pattern(own).search(_AGREEMENTS.sub(" ", _fold(text)))
    return None if found is None else _BETWEEN.sub(" ", found[0])


def _fold(text: str) -> str:
    """Fold *text*; NFKC would turn ㊙ into 秘 without brackets, so ㊙ becomes a word of its own first."""
    return unicodedata.normalize("NFKC", text.replace("㊙", " マル秘 ")).casefold()
