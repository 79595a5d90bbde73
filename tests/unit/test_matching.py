"""Whose account is it?  What a likeness may and may never conclude."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.matching import Profile, fold_email, fold_name, match_all, weigh
from connectors.names import former_spellings, spellings
from emulators.company import DOMAIN, PEOPLE, Person
from models.vocabulary import Account, AccountKind, Leaver, Match, MatchReason, Service
from tests.contract.rig import leaver

THRESHOLD = 0.9
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no finding
MISAKI = Leaver("E1001", "田中 美咲", "misaki.tanaka@hoshizora.example", kana="タナカ ミサキ", romaji="Tanaka Misaki")


def profile(
    number: str | None = None, *, names: tuple[str, ...] = (), emails: tuple[str, ...] = (), **more: object
) -> Profile:
    kind = AccountKind(str(more.get("kind", AccountKind.MEMBER)))
    aliases = more.get("aliases", ())
    assert isinstance(aliases, tuple)
    return Profile(Account(Service.SLACK, "U1", kind), number, emails, aliases, names)


def found(who: Leaver, entry: Profile) -> tuple[MatchReason, float] | None:
    match = weigh(who, entry)
    return (match.reason, match.confidence) if match is not None else None


_numbers = st.sampled_from(
    ("E1001", "e1001", "Ｅ１００１", "E-1001", "E01001", "E1002", "1001", "001001", "1001 ", "", " ", "-", "0")
)
_names = st.sampled_from(
    ("田中 美咲", "美咲 田中", "田中　美咲", "タナカ ミサキ", "ﾀﾅｶ ﾐｻｷ", "Misaki TANAKA", "", "・", " ", "-", "佐藤 健")
) | st.text(max_size=8)
_emails = st.sampled_from(
    ("misaki.tanaka@hoshizora.example", "adm-misaki.tanaka@hoshizora.example", "@", "", " ", "m@mail.example")
)
_leavers = st.builds(
    Leaver,
    employee_no=_numbers,
    name=_names,
    email=st.none() | _emails,
    other_emails=st.lists(_emails, max_size=2).map(tuple),
    kana=st.none() | _names,
    romaji=st.none() | _names,
    former_name=st.none() | _names,
)
_profiles = st.builds(
    Profile,
    account=st.builds(
        Account, service=st.just(Service.SLACK), id=st.text(min_size=1, max_size=3), kind=st.sampled_from(AccountKind)
    ),
    employee_no=st.none() | _numbers,
    emails=st.lists(_emails, max_size=2).map(tuple),
    aliases=st.lists(_emails, max_size=2).map(tuple),
    names=st.lists(_names, max_size=3).map(tuple),
)


def _fold(number: str | None) -> str:
    return fold_email(number or "")


class TestPromises:
    @CALM
    @given(who=_leavers, entry=_profiles)
    def test_another_number_is_never_taken(self, who: Leaver, entry: Profile) -> None:
        """With another employee number no account is taken without asking, whatever else agrees."""
        mine, theirs = _fold(who.employee_no), _fold(entry.employee_no)
        if not mine or not theirs or mine == theirs:
            who, entry = replace(who, employee_no="E1"), replace(entry, employee_no="E2")
        match = weigh(who, entry)
        assert match is None or match.confidence < THRESHOLD

    @CALM
    @given(who=_leavers, entry=_profiles)
    def test_a_name_alone_is_never_taken(self, who: Leaver, entry: Profile) -> None:
        """With nothing but names in common no account is taken without asking."""
        match = weigh(replace(who, employee_no="", email=None, other_emails=()), entry)
        assert match is None or match.confidence < THRESHOLD

    @CALM
    @given(who=_leavers, entry=_profiles)
    def test_nothing_is_no_likeness(self, who: Leaver, entry: Profile) -> None:
        """Empty numbers, addresses and names are nobody's: two blanks are not the same person."""
        blank = Leaver("", " ・", "", ("", " "), "", "-", "")
        assert weigh(blank, entry) is None
        assert weigh(who, Profile(entry.account, " ", ("", " "), ("",), ("", " ", "・"))) is None

    @CALM
    @given(who=_leavers, entries=st.lists(_profiles, max_size=5))
    def test_order_and_range(self, who: Leaver, entries: list[Profile]) -> None:
        """The strongest comes first, the order does not depend on the vendor's, and confidence lies between 0 and 1."""
        matches = match_all(who, entries)
        assert [m.confidence for m in matches] == sorted((m.confidence for m in matches), reverse=True)
        assert all(0 <= m.confidence <= 1 and m.text for m in matches)
        key = [(m.confidence, m.account.id) for m in matches]
        assert key == [(m.confidence, m.account.id) for m in match_all(who, reversed(entries))]

    @CALM
    @given(one=st.text(max_size=20), other=st.text(max_size=20))
    def test_likeness_is_mutual(self, one: str, other: str) -> None:
        """If HR's name finds the directory's, the directory's would find HR's."""
        forward = found(Leaver("1", one), profile(names=(other,)))
        assert forward == found(Leaver("1", other), profile(names=(one,)))

    @CALM
    @given(name=st.text(max_size=30))
    def test_spellings_hold_the_name_itself(self, name: str) -> None:
        """A name that has any letter finds itself; one that has none finds nothing."""
        assert bool(spellings(name)) == any(spellings(name))
        assert fold_name(name) == "" or fold_name(name) in spellings(name)


class TestNumber:
    @pytest.mark.parametrize("number", ["E1001", "e1001", "Ｅ１００１", " E1001　"])
    def test_same(self, number: str) -> None:
        """The same employee number, in any width and case, is the leaver."""
        assert found(MISAKI, profile(number, names=("田中 美咲",))) == (MatchReason.EMPLOYEE_NO, 1.0)

    def test_same_without_anything_to_compare(self) -> None:
        """Where the directory shows nothing else, the number speaks alone."""
        assert found(MISAKI, profile("E1001")) == (MatchReason.EMPLOYEE_NO, 1.0)
        assert found(Leaver("E1001", "田中 美咲"), profile("E1001", names=("Tanaka Misaki",))) == (
            MatchReason.EMPLOYEE_NO,
            1.0,
        )

    @pytest.mark.parametrize(
        "entry",
        [
            profile("E1001", names=("佐藤 健",), emails=(f"ken.sato@{DOMAIN}",)),
            profile("E1001", names=("佐藤 健",)),
            profile("E1001", emails=(f"ken@{DOMAIN}",)),
        ],
    )
    def test_same_but_everything_else_differs(self, entry: Profile) -> None:
        """A mistyped number that is another person's does not cut that person: somebody is asked."""
        assert found(MISAKI, entry) == (MatchReason.EMPLOYEE_NO, 0.85)

    def test_same_after_a_marriage(self) -> None:
        """A new address and a former name in the directory do not make the number doubtful."""
        yumi = leaver("E1005")
        assert found(yumi, profile("E1005", names=("渡辺 由美",), emails=(f"yumi.watanabe@{DOMAIN}",))) == (
            MatchReason.EMPLOYEE_NO,
            1.0,
        )

    @pytest.mark.parametrize("number", ["E01001", "E-1001", "E 1001"])
    def test_alike(self, number: str) -> None:
        """A number without its hyphen or leading zeros is probably the same, and a person decides."""
        assert found(MISAKI, profile(number, names=("田中 美咲",))) == (MatchReason.EMPLOYEE_NO, 0.85)
        assert found(MISAKI, profile(number)) == (MatchReason.EMPLOYEE_NO, 0.4)

    def test_other_with_the_same_name(self) -> None:
        """A namesake with a number of their own is a different person, and is shown as one."""
        assert found(MISAKI, profile("E2002", names=("田中 美咲",))) == (MatchReason.DIFFERENT_PERSON, 0.0)

    def test_other_with_the_same_address(self) -> None:
        """The notice's address under another number was given on, or HR mistyped: a person decides."""
        assert found(MISAKI, profile("E2002", emails=(str(MISAKI.email),))) == (MatchReason.EMAIL, 0.4)

    def test_other_without_likeness(self) -> None:
        """Strangers are not mentioned."""
        assert weigh(MISAKI, profile("E2002", names=("佐藤 健",))) is None


class TestAddress:
    @pytest.mark.parametrize("email", ["Misaki.Tanaka@HOSHIZORA.example", " misaki.tanaka@hoshizora.example "])
    def test_same(self, email: str) -> None:
        """Case and surrounding space do not make another address."""
        assert found(MISAKI, profile(emails=(email,))) == (MatchReason.EMAIL, 0.98)

    @pytest.mark.parametrize(
        "email", ["misakitanaka@hoshizora.example", "misaki.tanaka+x@hoshizora.example", "misaki.tanaka@other.example"]
    )
    def test_not_the_same(self, email: str) -> None:
        """Dots, plus signs and domains may tell people apart."""
        assert weigh(MISAKI, profile(emails=(email,))) is None

    def test_alias(self) -> None:
        """The notice's address may be an alias of the account."""
        assert found(MISAKI, profile(emails=("m@hoshizora.example",), aliases=(str(MISAKI.email),))) == (
            MatchReason.ALIAS,
            0.95,
        )

    def test_private_address(self) -> None:
        """A private address makes a candidate, not a certainty."""
        who = replace(MISAKI, other_emails=("m@mail.example",))
        assert found(who, profile(emails=("m@mail.example",))) == (MatchReason.OTHER_EMAIL, 0.8)

    @pytest.mark.parametrize(
        "local", ["adm-{}", "admin.{}", "a-{}", "priv_{}", "{}-admin", "{}.adm", "{}+admin", "{}_priv"]
    )
    @pytest.mark.parametrize("domain", [DOMAIN, "hoshizora.onmicrosoft.com"])
    def test_admin_twin(self, local: str, domain: str) -> None:
        """An administrator's second account is found by its address, in the vendor's own domain too, and asked about."""
        entry = profile(emails=(f"{local.format('misaki.tanaka')}@{domain}",))
        assert found(MISAKI, entry) == (MatchReason.ADMIN_TWIN, 0.7)

    def test_no_twin_at_a_stranger(self) -> None:
        """The same prefix at another company is no twin."""
        assert weigh(MISAKI, profile(emails=("adm-misaki.tanaka@other.example",))) is None


class TestName:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ("田中 美咲", "田中　美咲"), ("田中 美咲", "田中美咲"), ("田中 美咲", "美咲 田中"), ("田中 美咲", "田中 美咲 (営業部)"),
            ("佐藤 健", "Ken Sato / 佐藤 健"), ("髙﨑 德子", "高崎 徳子"), ("邉󠄀見 一", "辺見 一"), ("𠮷野 龍", "吉野 竜"), ("神 一", "神 一"),
            ("タナカ ミサキ", "ﾀﾅｶ ﾐｻｷ"), ("タナカ ミサキ", "たなか みさき"), ("ガルシア", "ｶﾞﾙｼｱ"), ("カ゛ルシア", "カ゛ルシア"),
            ("タナカ ミサキ", "Misaki Tanaka"), ("オオノ ユウコ", "Yuko Ohno"), ("イトウ ショウ", "Syo Itoh"), ("ホンマ ジュンジ", "Homma Zyunzi"),
            ("Ohno Yuko", "Yūko Ōno"), ("Sato Ken", "SATOU KEN"), ("Shimbashi", "Sinbasi"), ("Tsuchiya", "Tutiya"), ("Fujii", "Huzii"),
            ("Nguyễn Văn An", "Nguyen Van An"), ("María José García-López", "Garcia Lopez, Maria Jose"), ("Seán O'Brien", "sean o’brien"),
            ("Łukasz Żak", "Lukasz Zak"), ("Đặng Thu", "Dang Thu"), ("김민준", "김민준"), ("Ta\u200bnaka", "Tanaka"),
        ],
    )  # fmt: skip
    def test_spellings_of_one_name(self, ours: str, theirs: str) -> None:
        """Width, script, order, accents, romanisation and old kanji do not hide a person."""
        assert found(Leaver("1", ours), profile(names=(theirs,))) == (MatchReason.NAME, 0.5)

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ("田中 一", "中田 一"),
            ("佐藤 健", "佐藤 武"),
            ("カトウ", "ガトウ"),
            ("Sato Ken", "Sato Kenta"),
            ("ハシ", "パシ"),
            ("Ito Sho", "Ito Shota"),
        ],
    )
    def test_different_names(self, ours: str, theirs: str) -> None:
        """Folding does not make everybody the same."""
        assert weigh(Leaver("1", ours), profile(names=(theirs,))) is None

    def test_administrator_of_the_same_name(self) -> None:
        """An administrator's account of the same name is probably a twin, and is asked about."""
        assert found(MISAKI, profile(names=("Misaki Tanaka",), kind=AccountKind.ADMIN)) == (MatchReason.ADMIN_TWIN, 0.6)

    @pytest.mark.parametrize("former", ["渡辺 由美", "渡辺", "渡邊", "Watanabe Yumi", "Watanabe"])
    def test_former_name(self, former: str) -> None:
        """A former name finds the account that still bears it; the family name alone will do."""
        who = replace(leaver("E1005"), former_name=former)
        names = ("渡辺 由美",) if former[0] == "渡" else ("Yumi Watanabe",)
        assert found(who, profile(names=names)) == (MatchReason.FORMER_NAME, 0.4)

    def test_former_name_is_not_everybody_of_that_family(self) -> None:
        """A former family name does not make candidates of all who bear it."""
        assert "渡辺健" not in former_spellings("渡辺", "高橋 由美")
        assert weigh(replace(leaver("E1005"), former_name="渡辺"), profile(names=("渡辺 健",))) is None


class TestCompany:
    @staticmethod
    def entry(person: Person, *, numbered: bool) -> Profile:
        kind = AccountKind.ADMIN if person.twin_of is not None else AccountKind.MEMBER
        aliases = tuple(f"{alias}@{DOMAIN}" for alias in person.aliases)
        number = person.employee_no or None if numbered else None
        return Profile(
            Account(Service.SLACK, person.mailbox, kind), number, (person.email,), aliases, (person.name, person.romaji)
        )

    def matches(self, person: Person, *, numbered: bool) -> list[Match]:
        return match_all(leaver(person.employee_no), [self.entry(p, numbered=numbered) for p in PEOPLE])

    @pytest.mark.parametrize("numbered", [True, False], ids=["with numbers", "without numbers"])
    @pytest.mark.parametrize("person", [p for p in PEOPLE if p.employee_no], ids=lambda person: person.employee_no)
    def test_everybody_is_found_and_nobody_else(self, person: Person, numbered: bool) -> None:
        """Among sixty people each finds their own account first, and only namesakes and twins are mentioned besides."""
        first, *others = self.matches(person, numbered=numbered)
        assert (first.account.id, first.confidence >= THRESHOLD) == (person.mailbox, True)
        besides = {"E1002": ["takeru.sato"], "E1003": ["ken.sato"], "E1007": ["adm-sho.ito"]}
        assert [match.account.id for match in others] == besides.get(person.employee_no, [])
        assert all(match.confidence < THRESHOLD for match in others)
