"""Whose account is it?  What one comparison may and may never say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.full_names import compare_names
from connectors.matching import Profile, compare, fold_email, fold_number, match_all
from connectors.names import fold_name, former_spellings, spellings
from connectors.snapshot import Index
from emulators.company import DOMAIN, PEOPLE, Person
from models.vocabulary import Account, AccountKind, ComparisonResult, Fact, Leaver, Match, MatchReason, Service
from tests.contract.rig import leaver

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no finding
MISAKI = Leaver("E1001", "田中 美咲", "misaki.tanaka@hoshizora.example", kana="タナカ ミサキ", romaji="Tanaka Misaki")


def profile(
    number: str | None = None, *, names: tuple[str, ...] = (), emails: tuple[str, ...] = (), **more: object
) -> Profile:
    kind = AccountKind(str(more.get("kind", AccountKind.MEMBER)))
    aliases = more.get("aliases", ())
    assert isinstance(aliases, tuple)
    return Profile(Account(Service.SLACK, "U1", kind), number, emails, aliases, names)


def found(who: Leaver, entry: Profile) -> tuple[MatchReason, dict[Fact, ComparisonResult]] | None:
    match = compare(who, entry)
    return (match.reason, dict(match.says)) if match is not None else None


def said(who: Leaver, entry: Profile, fact: Fact) -> ComparisonResult | None:
    match = compare(who, entry)
    return match.says.get(fact) if match is not None else None


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
        Account,
        connection=st.just(Service.SLACK),
        id=st.text(min_size=1, max_size=3),
        kind=st.sampled_from(AccountKind),
    ),
    employee_no=st.none() | _numbers,
    emails=st.lists(_emails, max_size=2).map(tuple),
    aliases=st.lists(_emails, max_size=2).map(tuple),
    names=st.lists(_names, max_size=3).map(tuple),
)


class TestPromises:
    @CALM
    @given(who=_leavers, entry=_profiles)
    def test_a_fact_is_what_the_rule_calls_one(self, who: Leaver, entry: Profile) -> None:
        """A number is a fact if it is the notice's, an address if it is the account's primary one, whatever else agrees."""
        match = compare(who, entry)
        if match is None:
            return
        number = fold_number(who.employee_no)
        same = number != "" and number == fold_number(entry.employee_no or "")
        assert (match.says.get(Fact.NUMBER) is ComparisonResult.FACT) == same
        address = fold_email(who.email or "")
        primary = address != "" and address in {fold_email(email) for email in entry.emails}
        assert (match.says.get(Fact.ADDRESS) is ComparisonResult.FACT) == primary

    @CALM
    @given(who=_leavers, entry=_profiles)
    def test_nothing_is_no_likeness(self, who: Leaver, entry: Profile) -> None:
        """Empty numbers, addresses and names are nobody's: two blanks are not the same person."""
        blank = Leaver("", " ・", "", ("", " "), "", "-", "")
        assert compare(blank, entry) is None
        assert compare(who, Profile(entry.account, " ", ("", " "), ("",), ("", " ", "・"))) is None

    @CALM
    @given(who=_leavers, entries=st.lists(_profiles, max_size=5))
    def test_the_snapshot_finds_whatever_compares(self, who: Leaver, entries: list[Profile]) -> None:
        """What the shared snapshot leaves out is what no comparison would have made a candidate."""
        named = [replace(e, account=replace(e.account, id=f"U{n}")) for n, e in enumerate(entries)]
        near = Index(named).near(who)
        assert match_all(who, near) == match_all(who, named)

    @CALM
    @given(who=_leavers, entries=st.lists(_profiles, max_size=5))
    def test_order(self, who: Leaver, entries: list[Profile]) -> None:
        """Most facts first, and the order does not depend on the vendor's."""
        named = [replace(e, account=replace(e.account, id=f"U{n}")) for n, e in enumerate(entries)]
        matches = match_all(who, named)
        facts = [sum(one is ComparisonResult.FACT for one in m.says.values()) for m in matches]
        assert facts == sorted(facts, reverse=True)
        assert matches == match_all(who, reversed(named))

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
    @pytest.mark.parametrize("number", ["E1001", "e1001", "Ｅ１００１", " E1001　", "E 1001"])
    def test_same(self, number: str) -> None:
        """The same employee number, in any width, case and spacing, is a fact."""
        assert said(MISAKI, profile(number), Fact.NUMBER) is ComparisonResult.FACT

    @pytest.mark.parametrize("number", ["E01001", "E-1001"])
    def test_alike(self, number: str) -> None:
        """A number that agrees only without its hyphen or leading zeros speaks neither for nor against."""
        assert found(MISAKI, profile(number)) == (MatchReason.EMPLOYEE_NO, {Fact.NUMBER: ComparisonResult.NEITHER})

    def test_other(self) -> None:
        """Another number is a contradiction, whatever else agrees."""
        entry = profile("E2002", emails=(str(MISAKI.email),), names=("田中 美咲",))
        assert said(MISAKI, entry, Fact.NUMBER) is ComparisonResult.CONTRADICTION

    def test_none(self) -> None:
        """A directory without a number is silent about it."""
        assert said(MISAKI, profile(names=("田中 美咲",)), Fact.NUMBER) is None

    @pytest.mark.parametrize("dash", ["-", "‐", "－", "―", "—", "--", "_", "・"])
    def test_a_dash_is_none(self, dash: str) -> None:
        """Who writes a dash for a missing number says nothing: two dashes are not the same person."""
        assert compare(replace(MISAKI, employee_no=dash), profile(dash)) is None
        assert said(replace(MISAKI, employee_no=dash), profile("E2002", names=("田中 美咲",)), Fact.NUMBER) is None

    def test_other_without_likeness(self) -> None:
        """Strangers are not mentioned."""
        assert compare(MISAKI, profile("E2002", names=("佐藤 健",))) is None


class TestAddress:
    @pytest.mark.parametrize("email", ["Misaki.Tanaka@HOSHIZORA.example", " misaki.tanaka@hoshizora.example "])
    def test_primary(self, email: str) -> None:
        """The account's primary address is a fact; case and surrounding space do not make another one."""
        assert found(MISAKI, profile(emails=(email,))) == (MatchReason.EMAIL, {Fact.ADDRESS: ComparisonResult.FACT})

    @pytest.mark.parametrize(
        "email", ["misakitanaka@hoshizora.example", "misaki.tanaka+x@hoshizora.example", "misaki.tanaka@other.example"]
    )
    def test_not_the_same(self, email: str) -> None:
        """Dots, plus signs and domains may tell people apart."""
        assert compare(MISAKI, profile(emails=(email,))) is None

    def test_alias(self) -> None:
        """An alias makes a candidate and is no fact: it may be the manager's who took the mail over."""
        entry = profile(emails=("m@hoshizora.example",), aliases=(str(MISAKI.email),))
        assert found(MISAKI, entry) == (MatchReason.ALIAS, {Fact.ADDRESS: ComparisonResult.NEITHER})

    def test_private_address(self) -> None:
        """A private address makes a candidate and is no fact."""
        who = replace(MISAKI, email=None, other_emails=("m@mail.example",))
        assert found(who, profile(emails=("m@mail.example",))) == (MatchReason.OTHER_EMAIL, {})

    @pytest.mark.parametrize(
        "local", ["adm-{}", "admin.{}", "a-{}", "priv_{}", "{}-admin", "{}.adm", "{}+admin", "{}_priv"]
    )
    @pytest.mark.parametrize("domain", [DOMAIN, "hoshizora.onmicrosoft.com"])
    def test_admin_twin(self, local: str, domain: str) -> None:
        """An administrator's second account is found by its address, in the vendor's own domain too."""
        match = compare(MISAKI, profile("E9", emails=(f"{local.format('misaki.tanaka')}@{domain}",)))
        assert match is not None
        assert (match.reason, match.for_administration) == (MatchReason.ADMIN_TWIN, True)

    def test_no_twin_at_a_stranger(self) -> None:
        """The same prefix at another company is no twin."""
        assert compare(MISAKI, profile(emails=("adm-misaki.tanaka@other.example",))) is None

    def test_an_administrators_everyday_account(self) -> None:
        """An account with rights that the notice names by its address is the person's own, not one for administration."""
        own = replace(profile(emails=(str(MISAKI.email),), kind=AccountKind.ADMIN), rules_all=True)
        other = replace(profile(emails=("root@hoshizora.example",), names=("田中 美咲",)), rules_all=True)
        administration = [match.for_administration for match in match_all(MISAKI, [own, other])]
        assert administration == [False, True]


class TestName:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ("田中 美咲", "田中　美咲"), ("田中 美咲", "田中美咲"), ("田中 美咲", "美咲 田中"), ("田中 美咲", "田中 美咲 (営業部)"),
            ("佐藤 健", "Ken Sato / 佐藤 健"), ("𠮷野 龍", "吉野 竜"), ("神 一郎", "神 一郎"),
            ("タナカ ミサキ", "ﾀﾅｶ ﾐｻｷ"), ("タナカ ミサキ", "たなか みさき"), ("ガルシア", "ｶﾞﾙｼｱ"), ("カ゛ルシア", "カ゛ルシア"),
            ("タナカ ミサキ", "Misaki Tanaka"), ("オオノ ユウコ", "Yuko Ohno"), ("イトウ ショウ", "Syo Itoh"), ("ホンマ ジュンジ", "Homma Zyunzi"),
            ("Ohno Yuko", "Yūko Ōno"), ("Sato Ken", "SATOU KEN"), ("Shimbashi Ai", "Sinbasi Ai"), ("Tsuchiya Ai", "Tutiya Ai"),
            ("Nguyễn Văn An", "Nguyen Van An"), ("María José García-López", "Garcia Lopez, Maria Jose"), ("Seán O'Brien", "sean o’brien"),
            ("Łukasz Żak", "Lukasz Zak"), ("Đặng Thu", "Dang Thu"), ("김민준", "김민준"), ("Ta\u200bnaka Ai", "Tanaka Ai"),
        ],
    )  # fmt: skip
    def test_spellings_of_one_name(self, ours: str, theirs: str) -> None:
        """Width, script, order, accents and romanisation do not hide a person."""
        assert found(Leaver("1", ours), profile(names=(theirs,))) == (
            MatchReason.NAME,
            {Fact.NAME: ComparisonResult.FACT},
        )

    @pytest.mark.parametrize(
        "forms",
        ["髙高", "﨑崎嵜", "德徳", "邉邊辺", "齋斎斉齊", "濵濱浜", "澤沢", "廣広", "櫻桜", "嶋嶌島", "冨富", "惠恵", "瀧滝", "龍竜",
         "栁柳", "槇槙", "淵渕渊", "舘館", "峯峰", "枩松", "劔剣劍", "薗園", "桒桑", "塚塚", "福福", "祐祐", "靏鶴", "畫画"],
    )  # fmt: skip
    def test_variants_of_a_kanji(self, forms: str) -> None:
        """異体字: every form of one character, however HR or the directory writes it, with selectors too."""
        for form in forms:
            theirs = f"{form}\U000e0100田 徳子"
            assert found(Leaver("1", f"{forms[0]}田 德子"), profile(names=(theirs,))) == (
                MatchReason.NAME, {Fact.NAME: ComparisonResult.FACT},
            )  # fmt: skip

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [("田中 一", "中田 一"), ("佐藤 健", "佐藤 武"), ("佐藤 健", "佐藤 健太"), ("佐藤健太", "田中美咲"), ("カトウ アイ", "ガトウ アイ"),
         ("ハシ アイ", "パシ アイ"), ("Sato Ken", "Sato Takeru"), ("Tanaka Misaki", "Tanaka Ken"), ("埼玉 一", "坂玉 一")],
    )  # fmt: skip
    def test_different_names(self, ours: str, theirs: str) -> None:
        """Another full name in a script that both have is a contradiction, and makes nobody a candidate."""
        assert compare_names(Leaver("1", ours), (theirs,)).says in {
            ComparisonResult.CONTRADICTION,
            ComparisonResult.NEITHER,
        }
        assert compare(Leaver("1", ours), profile(names=(theirs,))) is None

    @pytest.mark.parametrize(
        "theirs",
        ["みさき", "Misaki", "ミサ", "misa", "Misaki T.", "Tanaka", "田中", "Mike", "田中 みさき", "美咲ちゃん"],
    )
    def test_nicknames_are_silent(self, theirs: str) -> None:
        """A nickname, a part of the name, initials and a name in another script contradict nobody."""
        assert compare_names(MISAKI, (theirs,)).says in {None, ComparisonResult.NEITHER}
        assert compare_names(MISAKI, (), ("Sales Queen",)).says is None

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [("田中 美咲（営業部）", "佐藤 太郎（営業部）"), ("田中 美咲（派遣）", "【派遣】佐藤 太郎"), ("【営業部】田中 美咲", "営業部 / 佐藤 太郎"),
         ("鈴木(田中) 花子", "佐藤(木村) 花子"), ("田中 美咲［営業部］", "佐藤 太郎〔営業部〕")],
    )  # fmt: skip
    def test_what_both_have_in_brackets(self, ours: str, theirs: str) -> None:
        """A department, a contract or a given name behind brackets is nobody's full name: it makes no two people one."""
        assert compare_names(Leaver("1", ours), (theirs,)).says is not ComparisonResult.FACT

    @pytest.mark.parametrize(
        "theirs",
        [
            "田中 美咲",
            "【営業部】田中 美咲",
            "Misaki (田中美咲)",
            "田中（営業部）美咲",
            "田中 美咲［営業部］",
            "＜営業＞田中 美咲",
        ],
    )
    @pytest.mark.parametrize(
        "ours", ["田中 美咲（営業部）", "田中(佐藤) 美咲", "田中 美咲［営業部］", "田中 美咲〔出向〕", "（田中 美咲）"]
    )
    def test_a_name_beside_brackets(self, ours: str, theirs: str) -> None:
        """What stands beside the brackets of the notice is the name; of a directory's entry either may be."""
        assert compare_names(Leaver("1", ours), (theirs,)).says is ComparisonResult.FACT

    def test_another_reading_of_the_same_kanji(self) -> None:
        """The same kanji, read otherwise: a candidate, and no fact."""
        who = Leaver("1", "佐藤 健", kana="サトウ ケン")
        entry = profile(names=("佐藤 健", "Takeru Sato"))
        assert found(who, entry) == (MatchReason.NAME, {Fact.NAME: ComparisonResult.NEITHER})

    @pytest.mark.parametrize("former", ["渡辺 由美", "渡辺", "渡邊", "Watanabe Yumi", "Watanabe"])
    def test_former_name(self, former: str) -> None:
        """A former name is a name; the family name alone will do."""
        who = replace(leaver("E1005"), former_name=former)
        names = ("渡辺 由美",) if former[0] == "渡" else ("Yumi Watanabe",)
        assert found(who, profile(names=names)) == (MatchReason.FORMER_NAME, {Fact.NAME: ComparisonResult.FACT})

    def test_former_name_is_not_everybody_of_that_family(self) -> None:
        """A former family name does not make candidates of all who bear it."""
        assert "渡辺健" not in former_spellings("渡辺", "高橋 由美")
        assert compare(replace(leaver("E1005"), former_name="渡辺"), profile(names=("渡辺 健",))) is None


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
        index = Index(self.entry(p, numbered=numbered) for p in PEOPLE)
        return match_all(leaver(person.employee_no), index.near(leaver(person.employee_no)))

    @pytest.mark.parametrize("numbered", [True, False], ids=["with numbers", "without numbers"])
    @pytest.mark.parametrize("person", [p for p in PEOPLE if p.employee_no], ids=lambda person: person.employee_no)
    def test_everybody_is_found_and_nobody_else(self, person: Person, numbered: bool) -> None:
        """Among sixty people each finds their own account first, and only namesakes and twins are mentioned besides."""
        first, *others = self.matches(person, numbered=numbered)
        assert first.account.id == person.mailbox
        assert sum(one is ComparisonResult.FACT for one in first.says.values()) >= 2
        besides = {"E1002": ["takeru.sato"], "E1003": ["ken.sato"], "E1007": ["adm-sho.ito"]}
        assert [match.account.id for match in others] == besides.get(person.employee_no, [])
        assert all(sum(one is ComparisonResult.FACT for one in match.says.values()) < 2 for match in others)


class TestNumbersOfADirectory:
    def test_are_compared_for_people_known_by_address(self) -> None:
        """Whose numbers a directory holds is told by those whose primary address is a notice's, and by nobody else."""
        people = [leaver(p.employee_no) for p in PEOPLE if p.employee_no][:30]
        entries = [profile(str(n), emails=(str(p.email),)) for n, p in enumerate(people)]
        index = Index(replace(e, account=replace(e.account, id=f"U{n}")) for n, e in enumerate(entries))
        assert (index.numbers(people).compared, index.numbers(people).agreed) == (30, 0)
        assert index.numbers([replace(people[0], employee_no="0"), Leaver("9", "x")]).agreed == 1
        assert Index([profile("E1001", aliases=(str(MISAKI.email),))]).numbers([MISAKI]).compared == 0
