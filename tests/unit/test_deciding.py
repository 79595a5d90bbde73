"""Two facts make an account the leaver's, and nothing less does but a person's word."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from casework.matching.deciding import Candidate, CandidateVerdict, Key, decide
from connectors.matching import Profile, match_all
from models.vocabulary import (
    Account,
    AccountKind,
    ComparisonResult,
    Fact,
    Leaver,
    Match,
    MatchReason,
    Service,
    Standing,
)

GOOGLE, SLACK, M365 = Service.GOOGLE_WORKSPACE, Service.SLACK, Service.MICROSOFT365
YES, NO, NEITHER = ComparisonResult.FACT, ComparisonResult.CONTRADICTION, ComparisonResult.NEITHER
NUMBER, ADDRESS, NAME, ELSEWHERE = Fact
S = Standing
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)


def one(
    account_id: str = "a",
    service: Service = GOOGLE,
    *,
    primary: str = "",
    reason: MatchReason | None = None,
    **says: ComparisonResult,
) -> Candidate:
    """A member's account of which reads say *says*, by the facts' own names."""
    return Candidate(
        service, account_id, AccountKind.MEMBER, reason or MatchReason.NAME,
        {Fact(fact): said for fact, said in says.items()}, frozenset({primary} - {""}),
    )  # fmt: skip


def standings(*candidates: Candidate, **words: dict[Key, bool]) -> list[Standing]:
    """What is decided of each, in order."""
    verdicts = decide(candidates, words.get("links", {}), words.get("answers", {}))
    return [verdicts[candidate.key].standing for candidate in candidates]


class TestTwoFacts:
    @pytest.mark.parametrize(
        "says", [{"number": YES, "name": YES}, {"number": YES, "address": YES}, {"address": YES, "name": YES}]
    )
    def test_and_no_contradiction(self, says: dict[str, Any]) -> None:
        """Any two facts without a contradiction make the account the leaver's."""
        assert standings(one(**says)) == [S.ACCEPTED]

    @pytest.mark.parametrize("against", ["number", "name", "address"])
    def test_and_a_contradiction(self, against: str) -> None:
        """One contradiction, and somebody is asked, however much agrees."""
        says: dict[str, Any] = {"number": YES, "address": YES, "name": YES} | {against: NO}
        assert standings(one(**says)) == [S.ASKED]

    @pytest.mark.parametrize("fact", ["address", "name"])
    def test_one_is_a_question(self, fact: str) -> None:
        """A name alone, an address alone: a candidate, and nothing more."""
        says: dict[str, Any] = {fact: YES}
        assert standings(one(**says)) == [S.ASKED]

    def test_neither_counts_for_nothing(self) -> None:
        """A number that agrees but for zeros or hyphens is no fact, and stands in no fact's way."""
        assert standings(one(number=NEITHER, address=YES)) == [S.ASKED]
        assert standings(one(number=NEITHER, address=YES, name=YES)) == [S.ACCEPTED]

    def test_no_fact_at_all(self) -> None:
        """An alias, a contact, another address: candidates."""
        assert standings(one(reason=MatchReason.ALIAS, address=NEITHER)) == [S.ASKED]


class TestVerdict:
    def test_says_what_it_rests_on(self) -> None:
        """A verdict names the facts and the contradictions, those from elsewhere included; what says neither is in none."""
        sure = one("g", GOOGLE, primary="m@x", number=YES, address=YES, name=NEITHER)
        other = one("s", SLACK, primary="m@x", number=NO, address=YES)
        verdicts = decide([sure, other], {}, {})
        assert (set(verdicts[sure.key].facts), set(verdicts[sure.key].contradictions)) == (
            {NUMBER, ADDRESS},
            {ELSEWHERE},
        )
        assert (set(verdicts[other.key].facts), set(verdicts[other.key].contradictions)) == ({ADDRESS}, {NUMBER})


class TestNumberAlone:
    def test_with_nothing_to_compare_it_with(self) -> None:
        """A number on a member's account, where no address and no name can be compared, is enough."""
        assert standings(one(number=YES)) == [S.ACCEPTED]

    @pytest.mark.parametrize("kind", [AccountKind.GUEST, AccountKind.ADMIN, AccountKind.BOT])
    def test_on_a_guests(self, kind: AccountKind) -> None:
        """On any other account it is a question."""
        assert standings(replace(one(number=YES), kind=kind)) == [S.ASKED]

    @pytest.mark.parametrize("other", ["address", "name"])
    def test_with_something_that_differs(self, other: str) -> None:
        """Where something else could be compared and does not agree, it is a question."""
        says: dict[str, Any] = {"number": YES, other: NEITHER}
        assert standings(one(**says)) == [S.ASKED]


class TestAdministration:
    def test_is_asked_about_whatever_its_number(self) -> None:
        """An account for administration that bears the leaver's name or address is asked about."""
        every: list[dict[str, Any]] = [
            {"name": YES}, {"number": YES}, {"name": YES, "number": NO}, {"name": YES, "number": YES, "address": YES},
        ]  # fmt: skip
        for says in every:
            assert standings(replace(one(**says), for_administration=True)) == [S.ASKED]

    def test_is_no_namesake(self) -> None:
        """It is asked about even where a namesake would only be shown: administrators have numbers of their own."""
        sure, twin = one("1", number=YES, address=YES, name=YES), one("2", SLACK, number=NO, name=YES)
        assert standings(sure, replace(twin, for_administration=True)) == [S.ACCEPTED, S.ASKED]

    def test_a_program_is_always_asked_about(self) -> None:
        """A bot's account is nobody's without a person's word."""
        assert standings(replace(one(number=YES, address=YES, name=YES), kind=AccountKind.BOT)) == [S.ASKED]


class TestElsewhere:
    def test_confirmed(self) -> None:
        """The same primary address on an account that another service accepted on two facts of its own is a fact."""
        sure, other = (
            one("g", GOOGLE, primary="m@x", number=YES, address=YES),
            one("s", SLACK, primary="m@x", address=YES),
        )
        assert standings(sure, other) == [S.ACCEPTED, S.ACCEPTED]
        assert decide([sure, other], {}, {})[other.key].facts == frozenset({ADDRESS, ELSEWHERE})

    @pytest.mark.parametrize(
        "other",
        [
            one("g", GOOGLE, primary="m@x", number=YES, address=YES),
            one("s2", SLACK, primary="m@x", number=YES, name=YES),
        ],
    )
    def test_not_by_another_address_or_the_same_service(self, other: Candidate) -> None:
        """Only the same primary address counts, and only in another service."""
        mine = one("s", SLACK, primary="other@x" if other.connection == GOOGLE else "m@x", address=YES)
        assert standings(other, mine)[1] is S.ASKED

    def test_no_chain(self) -> None:
        """What was itself accepted by another service's word confirms nothing."""
        sure = one("g", GOOGLE, primary="a@x", number=YES, address=YES)
        chained = replace(one("s", SLACK, address=YES), primary=frozenset({"a@x", "b@x"}))
        assert standings(sure, chained, one("m", M365, primary="b@x", name=YES)) == [S.ACCEPTED, S.ACCEPTED, S.ASKED]

    def test_no_chain_of_what_was_kept(self) -> None:
        """That it was confirmed once is no fact of its own either."""
        kept = one("s", SLACK, primary="b@x", address=YES, confirmed_elsewhere=YES)
        assert standings(kept, one("m", M365, primary="b@x", name=YES)) == [S.ACCEPTED, S.ASKED]

    def test_what_is_denied_confirms_nothing(self) -> None:
        """An account that another service knows to be somebody else's confirms no third one."""
        theirs = one("g", GOOGLE, primary="k@x", address=YES, number=NO)
        denied = replace(one("s", SLACK, address=YES, name=YES), primary=frozenset({"k@x", "k2@x"}))
        assert standings(theirs, denied, one("m", M365, primary="k2@x", name=YES)) == [S.ASKED, S.ASKED, S.ASKED]

    def test_another_denied_address_stands_in_no_way(self) -> None:
        """What one service knows to be somebody else's says nothing about an account with another address."""
        sure, theirs = (
            one("g", GOOGLE, primary="m@x", number=YES, address=YES),
            one("m", M365, primary="k@x", number=NO),
        )
        assert standings(sure, theirs, one("s", SLACK, primary="m@x", address=YES))[2] is S.ACCEPTED

    @pytest.mark.parametrize("against", [{"number": NO}, {"name": NO}])
    def test_a_contradiction_is_known_to_all(self, against: dict[str, Any]) -> None:
        """What one service knows to be somebody else's is not taken in another, which knows less."""
        theirs = one("g", GOOGLE, primary="k@x", address=YES, **against)
        assert standings(theirs, one("s", SLACK, primary="k@x", address=YES, name=YES)) == [S.ASKED, S.ASKED]

    def test_a_persons_no_is_known_to_all(self) -> None:
        """What a person said to be somebody else's in one service is not taken in another."""
        theirs, same = (
            one("g", GOOGLE, primary="k@x", address=YES),
            one("s", SLACK, primary="k@x", address=YES, name=YES),
        )
        assert standings(theirs, same, answers={theirs.key: False}) == [S.REJECTED, S.ASKED]


class TestRivals:
    def test_a_number_that_names_a_namesake(self) -> None:
        """One account bears number and name, another one address and name: the number may be the error, so the first is asked about."""
        namesake = one("takeru", number=YES, name=YES, address=NEITHER)
        own = one("ken", number=NO, name=YES, address=YES)
        assert standings(namesake, own) == [S.ASKED, S.ASKED]
        verdict = decide([namesake, own], {}, {})[namesake.key]
        assert (set(verdict.facts), set(verdict.contradictions)) == ({NUMBER, NAME}, {ADDRESS})
        assert standings(namesake, one("ken", name=YES, address=YES)) == [S.ASKED, S.ACCEPTED]

    def test_a_second_account(self) -> None:
        """Where one account bears all three, the number is right, and a second one with it and the name is the leaver's too."""
        first = one("1", number=YES, name=YES, address=YES)
        assert standings(first, one("2", number=YES, name=YES, address=NEITHER)) == [S.ACCEPTED, S.ACCEPTED]

    def test_the_rival_speaks_only_against_a_number_without_the_address(self) -> None:
        """Whoever bears number and address is no namesake; and of an account without the number a rival says nothing."""
        rival, nameless = one("2", name=YES, address=YES), one("3", name=YES, address=NEITHER)
        assert standings(one("1", number=YES, address=YES), rival) == [S.ACCEPTED, S.ACCEPTED]
        assert standings(nameless, rival, links={nameless.key: True}) == [S.ACCEPTED, S.ACCEPTED]


class TestNamesakes:
    @pytest.mark.parametrize("reason", [MatchReason.NAME, MatchReason.FORMER_NAME])
    def test_are_shown_where_the_number_is_known_to_be_right(self, reason: MatchReason) -> None:
        """A namesake, of a former name too, with another number is shown and not asked about, once an account bears number and address."""
        sure, namesake = (
            one("1", number=YES, address=YES, name=YES),
            one("2", SLACK, reason=reason, number=NO, name=YES),
        )
        assert standings(sure, namesake) == [S.ACCEPTED, S.LOOK_ALIKE]

    def test_whose_number_stands_in_another_service(self) -> None:
        """A namesake without a number is shown as well, where another service knows his address to be somebody else's."""
        sure, theirs = one("1", number=YES, address=YES, name=YES), one("2", SLACK, primary="n@x", number=NO, name=YES)
        assert standings(sure, theirs, one("3", M365, primary="n@x", name=YES))[1:] == [S.LOOK_ALIKE, S.LOOK_ALIKE]

    def test_number_and_address_are_enough_to_know_it(self) -> None:
        """An account with number and address and no name at all vouches for the number; one with another name does not."""
        namesake = one("2", SLACK, number=NO, name=YES)
        assert standings(one("1", number=YES, address=YES), namesake) == [S.ACCEPTED, S.LOOK_ALIKE]
        assert standings(one("1", number=YES, address=YES, name=NO), namesake) == [S.ASKED, S.ASKED]

    def test_are_asked_about_otherwise(self) -> None:
        """Without such an account the number may be the typing error, and the namesake the leaver."""
        assert standings(one("1", number=YES, name=YES), one("2", number=NO, name=YES)) == [S.ACCEPTED, S.ASKED]
        assert standings(one("1", address=YES, name=YES), one("2", SLACK, number=NO, name=YES)) == [S.ACCEPTED, S.ASKED]
        assert standings(one(number=NO, name=YES)) == [S.ASKED]

    def test_are_asked_about_where_the_sure_one_has_another_reading(self) -> None:
        """An account with the leaver's kanji and another reading does not vouch for the number: it may be the namesake's."""
        sure = one("1", number=YES, address=YES, name=NEITHER)
        assert standings(sure, one("2", SLACK, number=NO, name=YES)) == [S.ACCEPTED, S.ASKED]

    def test_are_asked_about_where_only_the_address_differs(self) -> None:
        """Another address, and no number to tell: it may be the leaver's second account."""
        sure = one("1", number=YES, address=YES, name=YES)
        assert standings(sure, one("2", SLACK, address=NO, name=YES)) == [S.ACCEPTED, S.ASKED]

    def test_not_with_the_address(self) -> None:
        """Whoever bears more than the name is asked about."""
        sure = one("1", number=YES, address=YES, name=YES)
        other = one("2", SLACK, reason=MatchReason.ALIAS, number=NO, name=YES)
        assert standings(sure, other) == [S.ACCEPTED, S.ASKED]


class TestWords:
    def test_an_answer_decides(self) -> None:
        """A person's answer outweighs what reads say, in either direction."""
        mine, theirs = one("1", number=NO, name=NO), one("2", number=YES, name=YES)
        assert standings(mine, theirs, answers={mine.key: True, theirs.key: False}) == [S.ACCEPTED, S.REJECTED]

    def test_a_word_of_an_earlier_case(self) -> None:
        """It holds without being asked again, unless something speaks against it now."""
        known = one(address=YES)
        assert standings(known, links={known.key: True}) == [S.ACCEPTED]
        assert standings(known, links={known.key: False}) == [S.REJECTED]
        assert standings(one(address=YES, number=NO), links={known.key: True}) == [S.ASKED]
        assert standings(one(address=YES, number=YES), links={known.key: False}) == [S.ASKED]


# -- any directory ------------------------------------------------------------------------------------------------------

TRUTH = Leaver("E7", "佐藤 健", "ken@x.example", ("ken@home.example",), "サトウ ケン", "Sato Ken")


@dataclass(frozen=True)
class World:
    """What HR wrote, and the directories of three services; *own* are the accounts that truly are the leaver's."""

    notice: Leaver
    profiles: list[Profile]
    own: set[Key] = field(default_factory=set)

    def judged(self) -> tuple[dict[Key, Match], dict[Key, CandidateVerdict]]:
        matches = match_all(self.notice, self.profiles)
        candidates = [
            Candidate(
                m.account.connection,
                m.account.id,
                m.account.kind,
                m.reason,
                m.says,
                frozenset(m.primary),
                m.for_administration,
            )
            for m in matches
        ]
        return {(m.account.connection, m.account.id): m for m in matches}, decide(candidates, {}, {})


def profile(
    service: Service, its: str, number: str | None, email: str, *names: str, aliases: tuple[str, ...] = ()
) -> Profile:
    return Profile(Account(service, its, label=email), number, (email,) if email else (), aliases, names)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """The leaver, namesakes, relatives and successors with the old address as alias, shared mailboxes, typing errors at HR."""
    profiles: list[Profile] = []
    own: set[Key] = set()
    for service in (GOOGLE, SLACK, M365):
        numbered = draw(st.booleans())

        def number(text: str, numbered: bool = numbered) -> str | None:  # bound now
            return text if numbered else None

        names = draw(st.sampled_from([("佐藤 健",), ("Ken Sato",), ("佐藤健", "Ken Sato"), ("けん",), ()]))
        email = draw(st.sampled_from(["ken@x.example", "k.sato@x.example"]))
        profiles.append(profile(service, "own", number("E7"), email, *names))
        own.add((service, "own"))
        others = [
            profile(
                service,
                "namesake",
                number("E8"),
                "takeru@x.example",
                "佐藤 健",
                *draw(st.sampled_from([("Takeru Sato",), ()])),
            ),
            profile(service, "manager", number("E9"), "boss@x.example", "山田 太郎", aliases=("ken@x.example",)),
            profile(service, "wife", number("E10"), "yui@x.example", "佐藤 結衣", aliases=("ken@home.example",)),
            profile(service, "shared", None, "sales@x.example", "営業部", aliases=("ken@x.example",)),
            profile(service, "twin", number("A7"), "adm-ken@x.example", "佐藤 健"),
            profile(service, "colleague", number("E11"), "kei@x.example", "佐藤 圭"),
        ]
        profiles += draw(st.lists(st.sampled_from(others), unique_by=lambda p: p.account.id))
    notice = replace(
        TRUTH,
        employee_no=draw(st.sampled_from(["E7", "E7", "e 7", "E8", "E11", "E70", ""])),
        email=draw(
            st.sampled_from(
                ["ken@x.example", "ken@x.example", "kei@x.example", "takeru@x.example", "ben@x.example", None]
            )
        ),
        kana=draw(st.sampled_from(["サトウ ケン", None])),
        romaji=draw(st.sampled_from(["Sato Ken", None])),
        other_emails=draw(st.sampled_from([("ken@home.example",), ()])),
    )
    return World(notice, profiles, own)


class TestAnyDirectory:
    @CALM
    @given(world=worlds())
    def test_nobody_is_taken_without_two_facts(self, world: World) -> None:
        """No account is accepted that has not two facts and no contradiction, or a number with nothing to compare it with."""
        _, verdicts = world.judged()
        for key, verdict in verdicts.items():
            if verdict.standing is S.ACCEPTED:
                assert not verdict.contradictions, key
                assert len(verdict.facts) > 1 or verdict.facts == {NUMBER}, key
                assert key[1] not in {"twin", "shared", "manager", "wife"}, key

    @CALM
    @given(world=worlds())
    def test_the_leavers_own_account_is_never_dropped(self, world: World) -> None:
        """
        Whatever HR mistyped: the leaver's own account is accepted or asked about, wherever anything of it agrees.

        A notice with a namesake's number and a namesake's address is a notice about the namesake.
        """
        assume((world.notice.employee_no, world.notice.email) != ("E8", "takeru@x.example"))
        matches, verdicts = world.judged()
        for key in world.own & set(matches):
            assert verdicts[key].standing in {S.ACCEPTED, S.ASKED}, (world.notice, key)

    @CALM
    @given(world=worlds(), order=st.randoms(use_true_random=False))
    def test_again_is_the_same(self, world: World, order: object) -> None:
        """The verdicts do not depend on the order of the candidates, nor on being asked again."""
        _, first = world.judged()
        shuffled = list(world.profiles)
        order.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
        assert replace(world, profiles=shuffled).judged()[1] == first
