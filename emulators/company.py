"""
Hoshizora Trading (星空商事), the invented company whose three tenants are emulated: about sixty people.

Each tenant derives its own ids and quirks from these people.  Each of the first people is a special case, named above the entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

DOMAIN = "hoshizora.example"
PARTNER_DOMAIN = "kaze-logistics.example"


@dataclass(frozen=True, slots=True)
class Person:
    """
    One human.  *mailbox* is the local part of the address at the company; *aliases* are further local parts.

    *only_in*: the services in which the person has an account ("google_workspace", "slack", "microsoft365").
    *slack_mailbox*: the local part in Slack, if it differs (a former name, for example).
    """

    employee_no: str
    name: str
    kana: str
    romaji: str
    mailbox: str
    department: str
    title: str = ""
    aliases: tuple[str, ...] = ()
    former_name: str | None = None
    former_romaji: str | None = None
    private_email: str | None = None
    on_leave: bool = False
    synced: bool = False
    guest: bool = False
    admin: bool = False
    twin_of: str | None = None
    slack_mailbox: str | None = None
    primary_owner: bool = False
    break_glass: bool = False
    joined_on: date = date(2020, 4, 1)
    only_in: tuple[str, ...] = ("google_workspace", "slack", "microsoft365")

    @property
    def email(self) -> str:
        """The primary address: at the company, or the private one of a guest."""
        if self.guest and self.private_email is not None:
            return self.private_email
        return f"{self.mailbox}@{DOMAIN}"


CHARACTERS: tuple[Person, ...] = (
    # a plain leaver
    Person(
        "E1001",
        "田中 美咲",
        "タナカ ミサキ",
        "Tanaka Misaki",
        "misaki.tanaka",
        "営業部",
        "主任",
        private_email="misaki.t.0412@mail.example",
    ),
    # namesakes: same kanji, different readings, different people
    Person(
        "E1002", "佐藤 健", "サトウ ケン", "Sato Ken", "ken.sato", "営業部", aliases=("k.sato",), slack_mailbox="k.sato"
    ),
    Person("E1003", "佐藤 健", "サトウ タケル", "Sato Takeru", "takeru.sato", "開発部"),
    # mastered on premises
    Person("E1004", "鈴木 一郎", "スズキ イチロウ", "Suzuki Ichiro", "ichiro.suzuki", "経理部", "課長", synced=True),
    # married: a former name in places
    Person(
        "E1005",
        "高橋 由美",
        "タカハシ ユミ",
        "Takahashi Yumi",
        "yumi.takahashi",
        "人事部",
        aliases=("yumi.watanabe",),
        former_name="渡辺 由美",
        former_romaji="Watanabe Yumi",
        slack_mailbox="yumi.watanabe",
    ),
    # an outside partner: a guest in Microsoft 365 and Slack, not in Google
    Person(
        "X2001",
        "John Miller",
        "ジョン ミラー",
        "John Miller",
        "john.miller",
        "外部委託",
        guest=True,
        private_email=f"john.miller@{PARTNER_DOMAIN}",
        only_in=("slack", "microsoft365"),
    ),
    # an administrator with a second, privileged account
    Person("E1007", "伊藤 翔", "イトウ ショウ", "Ito Sho", "sho.ito", "情報システム部", "係長"),
    Person(
        "",
        "伊藤 翔 (admin)",
        "イトウ ショウ",
        "Ito Sho",
        "adm-sho.ito",
        "情報システム部",
        admin=True,
        twin_of="E1007",
        only_in=("google_workspace", "microsoft365"),
    ),
    # on leave of absence, not leaving
    Person("E1008", "山本 さくら", "ヤマモト サクラ", "Yamamoto Sakura", "sakura.yamamoto", "広報部", on_leave=True),
    # the administrator who must not be locked out: super admin, Slack's primary owner
    Person(
        "E1009",
        "小林 誠",
        "コバヤシ マコト",
        "Kobayashi Makoto",
        "makoto.kobayashi",
        "情報システム部",
        "部長",
        admin=True,
        primary_owner=True,
    ),
    Person(
        "",
        "Break Glass",
        "ブレークグラス",
        "Break Glass",
        "break-glass",
        "情報システム部",
        admin=True,
        break_glass=True,
        only_in=("google_workspace", "microsoft365"),
    ),
    # dismissed
    Person(
        "E1010",
        "中村 大輔",
        "ナカムラ ダイスケ",
        "Nakamura Daisuke",
        "daisuke.nakamura",
        "購買部",
        private_email="d.nakamura@mail.example",
    ),
    # names that code often gets wrong
    Person("E1011", "Nguyễn Văn An", "グエン ヴァン アン", "Nguyen Van An", "an.nguyen", "開発部"),
    Person(
        "E1012",
        "María José García-López",
        "マリア ホセ ガルシア ロペス",
        "Maria Jose Garcia-Lopez",
        "maria.garcia",
        "営業部",
    ),
    Person("E1013", "Seán O'Brien", "ショーン オブライエン", "Sean O'Brien", "sean.o'brien", "開発部"),
    Person("E1014", "김민준", "キム ミンジュン", "Kim Minjun", "minjun.kim", "開発部"),
    Person("E1015", "髙﨑 德子", "タカサキ トクコ", "Takasaki Tokuko", "tokuko.takasaki", "総務部"),
    Person("E1016", "大野 优子", "オオノ ユウコ", "Ohno Yuko", "yuko.ohno", "総務部", aliases=("yuko.ono",)),
)

_FAMILIES = (
    ("加藤", "カトウ", "Kato"), ("吉田", "ヨシダ", "Yoshida"), ("山田", "ヤマダ", "Yamada"), ("松本", "マツモト", "Matsumoto"),
    ("井上", "イノウエ", "Inoue"), ("木村", "キムラ", "Kimura"), ("林", "ハヤシ", "Hayashi"), ("清水", "シミズ", "Shimizu"),
    ("斎藤", "サイトウ", "Saito"), ("阿部", "アベ", "Abe"), ("森", "モリ", "Mori"),
)  # fmt: skip
_GIVEN = (("陽菜", "ヒナ", "Hina"), ("蓮", "レン", "Ren"), ("結衣", "ユイ", "Yui"), ("悠斗", "ユウト", "Yuto"))
_FIRST = (("春", "ハル", "Haru"), ("光", "ミツ", "Mitsu"), ("智", "トモ", "Tomo"), ("久", "ヒサ", "Hisa"))
_SECOND = (("子", "コ", "ko"), ("美", "ミ", "mi"), ("樹", "キ", "ki"), ("也", "ヤ", "ya"))
_DEPARTMENTS = ("営業部", "開発部", "総務部", "経理部", "物流部")
PLAIN_DEPARTMENTS = ("営業部", "経理部", "物流部")
"""Departments without a dynamic group and without a group that has no API: every membership can be taken away."""


def _others() -> tuple[Person, ...]:
    return tuple(
        Person(
            f"E{1100 + n}",
            f"{family[0]} {given[0]}",
            f"{family[1]} {given[1]}",
            f"{family[2]} {given[2]}",
            f"{given[2]}.{family[2]}".lower(),
            _DEPARTMENTS[n % len(_DEPARTMENTS)],
        )
        for n, (family, given) in enumerate((f, g) for g in _GIVEN for f in _FAMILIES)
    )


PEOPLE: list[Person] = [*CHARACTERS, *_others()]


def joiners(count: int) -> list[Person]:
    """Return *count* more people of sales, accounting and logistics, each with another name.  Raises `ValueError` beyond 176."""
    names = [(family, first, second) for first in _FIRST for second in _SECOND for family in _FAMILIES]
    if count > len(names):
        raise ValueError(f"there are names for {len(names)} more people")
    return [
        Person(
            f"E{2100 + n}", f"{family[0]} {first[0]}{second[0]}", f"{family[1]} {first[1]}{second[1]}",
            f"{family[2]} {first[2]}{second[2]}", f"{first[2]}{second[2]}.{family[2]}".lower(),
            PLAIN_DEPARTMENTS[n % len(PLAIN_DEPARTMENTS)],
        )
        for n, (family, first, second) in enumerate(names[:count])
    ]  # fmt: skip


def person(employee_no: str) -> Person:
    """Return the person with this employee number; raises `KeyError`."""
    return next((p for p in PEOPLE if p.employee_no == employee_no), None) or _missing(employee_no)


def _missing(employee_no: str) -> Person:
    raise KeyError(employee_no)
