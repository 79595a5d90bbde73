"""The report of a verification: what each step checked and found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from audit.epochs import Gap


class VerifyStep(IntEnum):
    """The steps of a verification, numbered as in docs/verify.md."""

    SUMS = 1
    CERTIFICATE = 2
    INCLUSION = 3
    HEAD = 4
    STAMPS = 5
    PREFIXES = 6
    COMPLETENESS = 7
    CHAIN = 8
    EVIDENCE = 9
    INTENTS = 10
    DATES = 11
    WHOLE = 12
    LAG = 13
    RECORD = 14
    PAGES = 15
    FRESH = 16
    LATER = 17


TITLES: Mapping[VerifyStep, tuple[str, str]] = {
    VerifyStep.SUMS: (
        "every file is the one that SHA256SUMS lists, and there is no other",
        "全ファイルがSHA256SUMSの一覧どおり",
    ),
    VerifyStep.CERTIFICATE: (
        "the certificate is signed and stamped, and vouches for this list",
        "証明書の署名と時刻印、一覧との一致",
    ),
    VerifyStep.INCLUSION: ("each event is proved to be in the log", "各イベントがログに含まれることの証明"),
    VerifyStep.HEAD: ("the log's head is signed, and witnesses have cosigned it", "ログ先頭の署名と立会人の連署"),
    VerifyStep.STAMPS: ("each anchor has a time stamp of an authority", "各アンカーの時刻認証局の時刻印"),
    VerifyStep.PREFIXES: (
        "each anchor is an earlier state of this very log",
        "各アンカーがこのログの以前の状態であること",
    ),
    VerifyStep.COMPLETENESS: ("the log holds no other event of this case", "この案件のイベントに欠落がないこと"),
    VerifyStep.CHAIN: ("order, chain and payloads of the events", "イベントの順序・連鎖・個人データの対応"),
    VerifyStep.EVIDENCE: (
        "evidence files and exchanges are those that events bind",
        "証拠ファイル・各社との通信とイベントの対応",
    ),
    VerifyStep.INTENTS: ("each announced write has an outcome", "予告した変更すべてに結果があること"),
    VerifyStep.DATES: (
        "no event is dated before an anchor that precedes it",
        "先行するアンカーより前の日付のイベントがないこと",
    ),
    VerifyStep.WHOLE: (
        "the whole log recomputes to the signed root, and it has given up none of the keys that signed",
        "ログ全体から署名済みルートを再計算、署名鍵が有効であること",
    ),
    VerifyStep.LAG: ("events were sealed soon after they happened", "発生から封印までの時間"),
    VerifyStep.RECORD: ("record.json is what events and payloads come to", "record.jsonがイベントの内容と一致すること"),
    VerifyStep.FRESH: (
        "export, head and certificate are of one time",
        "出力・ログ先頭・証明書が同じ時点のものであること",
    ),
    VerifyStep.LATER: (
        "a later log records this certificate, and no other of its number",
        "その後のログにこの証明書があり、同じ番号の別の証明書がないこと",
    ),
    VerifyStep.PAGES: (
        "page, print and READMEs are made from record.json",
        "ページ・PDF・READMEがrecord.jsonから作られたこと",
    ),
}
"""English and Japanese."""


def printable(text: str) -> str:
    """Return the text with every control or unprintable character escaped, so that a terminal is safe."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class BundleError(Exception):
    """A step found something broken: the *file* (its path in the bundle) and *what* is wrong with it."""

    def __init__(self, file: str, what: str) -> None:
        super().__init__(f"{printable(file)}: {what}")
        self.file = printable(file)
        self.what = what


UNFIT = (LookupError, TypeError, ValueError, AttributeError, RecursionError, ArithmeticError)
"""The errors from reading an event whose fields are not those of its type.  lastday never writes such an event."""


class UnreadableBundle(Exception):
    """Nothing can be verified: there is no bundle, or no usable trust material."""


@dataclass(frozen=True, slots=True)
class BundleFault:
    step: VerifyStep
    file: str
    what: str

    def __str__(self) -> str:
        return f"step {self.step:d}, {self.file}: {self.what}"


@dataclass(slots=True)
class BundleReport:
    """
    The verdict on a bundle.  *passed*: for each step that passed, what it saw.  *faults*: the first fault of each other step.

    *case*, *log* and *size*: the bundle's own claims; trust them only if it is *sound*.  *unasked*: what the auditor's trust
    material does not ask for, and what even a sound bundle so does not show.  *gaps*: the log's entries lost with a restored
    backup; *in_gap*: the case is older than a gap, so that its events may be missing.  *verdict*: what the events of a sound bundle
    say of the case, in English and Japanese.
    """

    case: str = ""
    log: str = ""
    size: int = 0
    passed: dict[VerifyStep, str] = field(default_factory=dict)
    faults: list[BundleFault] = field(default_factory=list)
    unasked: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    in_gap: bool = False
    verdict: tuple[tuple[str, str], ...] = ()

    @property
    def sound(self) -> bool:
        return not self.faults

    @property
    def first(self) -> BundleFault | None:
        """The fault of the lowest step, None without a fault."""
        return min(self.faults, key=lambda broken: broken.step, default=None)
