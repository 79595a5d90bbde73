"""Wrong persons: whose account is taken, asked about, or left alone, on the emulated tenants end to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlmodel import select

from casework.matching.judging import void
from casework.matching.searching import find_everywhere
from emulators.company import person
from emulators.google_workspace.state import user_id
from models.tables import Case
from models.vocabulary import Fact, MatchReason
from tests.casework.conftest import Office
from tests.casework.shown import open_questions, show
from tests.casework.tenants import GOOGLE, M365, SLACK, Tenants, tenants

NO_NUMBERS: dict[str, Any] = {"employee_numbers": False}


def notice(employee_no: str, **fields: Any) -> dict[str, Any]:
    """What HR's file says of one of the company's people: number, name in three scripts, address."""
    who = person(employee_no)
    said = {"employee_no": employee_no, "name": who.name, "kana": who.kana, "romaji": who.romaji, "email": who.email}
    return said | fields


def correct(t: Tenants, case_id: str, **fields: Any) -> None:
    """Correct the notice, as a second file of HR's does."""
    with t.context.store.write() as session:
        case = session.get_one(Case, case_id)
        case.leaver = case.leaver | fields
        session.add(case)
        void(t.context, session, case_id, fields)


class TestTwoFacts:
    async def test_the_leaver_is_taken_everywhere_without_a_question(self, make_office: Callable[..., Office]) -> None:
        """Number, address and name in two services, address and name in the third: nobody is asked."""
        async with tenants(make_office(), slack=NO_NUMBERS) as t:
            case = t.report(**notice("E1001"))
            assert await t.plan(case) == dict.fromkeys(t.everywhere("E1001"), "accepted")
            assert open_questions(t.context, case) == []

    async def test_an_alias_at_the_manager(self, make_office: Callable[..., Office]) -> None:
        """Scenario 2: the leaver's old address is an alias of the manager now: the manager is asked about, and not cut."""
        async with tenants(make_office(), slack=NO_NUMBERS) as t:
            boss, own = t.id_of(GOOGLE, "E1004"), t.id_of(GOOGLE, "E1001")
            t.tenant(GOOGLE).users[own].email = "m.tanaka@hoshizora.example"
            t.tenant(GOOGLE).users[boss].aliases.append("misaki.tanaka@hoshizora.example")
            mails = t.tenant(M365).directory.users[t.id_of(M365, "E1004")]
            mails["proxyAddresses"].append("smtp:misaki.tanaka@hoshizora.example")
            case = t.report(**notice("E1001"))
            found = await t.plan(case)
            assert found[GOOGLE, boss] == found[M365, t.id_of(M365, "E1004")] == "asked"
            assert found[GOOGLE, own] == "accepted"
            await t.cut(case)
            assert t.blocked() == t.everywhere("E1001")

    async def test_a_typing_error_names_a_colleague(self, make_office: Callable[..., Office]) -> None:
        """
        Scenario 3: the notice's address is a colleague's.  What Google objects to by number, Slack knows too; the leaver is cut
        on number and name, the colleague nowhere.
        """
        async with tenants(make_office(), slack=NO_NUMBERS) as t:
            case = t.report(**notice("E1001", email=person("E1010").email))
            found = await t.plan(case)
            assert {found[key] for key in t.everywhere("E1010")} == {"asked"}
            assert found[GOOGLE, t.id_of(GOOGLE, "E1001")] == found[M365, t.id_of(M365, "E1001")] == "accepted"
            await t.cut(case)
            assert t.blocked() == t.everywhere("E1001")  # in Slack by name, and by the address that two services know

    async def test_a_shared_nickname_does_not_help_the_typing_error(self, make_office: Callable[..., Office]) -> None:
        """Where Slack has a nickname and no number, the contradiction that Google saw still keeps the colleague safe."""
        async with tenants(make_office(), slack=NO_NUMBERS) as t:
            member = t.tenant(SLACK).members[t.id_of(SLACK, "E1010")]
            member.real_name = member.display_name = "だい"
            case = t.report(**notice("E1001", email=person("E1010").email))
            await t.plan(case)
            account = next(
                a for a in show(t.context, case)["accounts"] if a["id"] == member.id and a["service"] == "slack"
            )
            assert account["match"]["contradictions"] == ["confirmed_elsewhere"]
            assert account["standing"] == "asked"

    async def test_a_printers_contact(self, make_office: Callable[..., Office]) -> None:
        """Scenario 4: a multifunction printer has the leaver's address among its other mails: asked about, not disabled."""
        async with tenants(make_office()) as t:
            printer = t.tenant(M365).invite("printer@hoshizora.example", "複合機 3F")
            t.tenant(M365).directory.users[printer].update(
                otherMails=["misaki.tanaka@hoshizora.example"], userType="Member", userPrincipalName="printer3f@hoshizora.example",
            )  # fmt: skip
            case = t.report(**notice("E1001"))
            found = await t.plan(case)
            assert found[M365, printer] == "asked"
            await t.cut(case)
            assert t.tenant(M365).directory.users[printer]["accountEnabled"]

    async def test_an_administrators_twin_with_a_number_of_its_own(self, make_office: Callable[..., Office]) -> None:
        """Scenario 8: the twin `adm-…` is asked about whatever number it bears, in one question for both services."""
        async with tenants(make_office()) as t:
            twin = t.id_of(M365, "adm-sho.ito")
            t.tenant(M365).directory.users[twin]["employeeId"] = "A9007"
            t.tenant(GOOGLE).users[user_id("adm-sho.ito")].employee_no = "A9007"
            case = t.report(**notice("E1007"))
            found = await t.plan(case)
            assert found[M365, twin] == found[GOOGLE, user_id("adm-sho.ito")] == "asked"
            (question,) = show(t.context, case)["questions"]
            asked = {(o["service"], o["account"]) for o in question["options"] if o["standing"] == "asked"}
            assert asked == {("microsoft365", twin), ("google_workspace", user_id("adm-sho.ito"))}

    async def test_variants_of_kanji(self, make_office: Callable[..., Office]) -> None:
        """Scenario 15: HR writes 高崎 徳子, the directories 髙﨑 德子: the accounts are found, by name where nothing else agrees."""
        async with tenants(make_office(), slack=NO_NUMBERS) as t:
            google = t.tenant(GOOGLE).users[t.id_of(GOOGLE, "E1015")]
            google.employee_no, google.email, google.family, google.given = "", "x@hoshizora.example", "髙﨑", "德子"
            entra = t.tenant(M365).directory.users[t.id_of(M365, "E1015")]
            entra.update(employeeId=None, displayName="髙﨑 德子", surname="髙﨑", givenName="德子")
            case = t.report("E1015", name="高崎 徳子", email=person("E1015").email)
            found = await t.plan(case)
            assert found == {
                (GOOGLE, t.id_of(GOOGLE, "E1015")): "asked",  # the name alone
                (SLACK, t.id_of(SLACK, "E1015")): "accepted",  # address and name
                (M365, t.id_of(M365, "E1015")): "accepted",
            }

    async def test_a_guest_known_by_an_address_of_another_service(self, make_office: Callable[..., Office]) -> None:
        """
        Scenario 52: a guest in Slack has the private address that stands in the leaver's Microsoft account, and that HR does not
        know: it is found, and asked about, without another request to the vendor.
        """
        async with tenants(make_office(), slack=NO_NUMBERS) as t:
            guest = replace(
                t.tenant(SLACK).members[t.id_of(SLACK, "X2001")], id="U0GUEST001", mailbox="misa", email="misa@home.example",
                real_name="misa", display_name="misa",
            )  # fmt: skip
            t.tenant(SLACK).members[guest.id] = guest
            t.tenant(M365).directory.users[t.id_of(M365, "E1001")]["otherMails"] = ["misa@home.example"]
            case = t.report(**notice("E1001"))
            assert (await t.plan(case))[SLACK, guest.id] == "asked"
            listings = [q for q in t.rigs[SLACK].stage.journal if "users.list" in q.path]
            assert len(listings) == 2  # one a workspace: the second look is answered from the same snapshot


class TestLater:
    async def test_a_colleagues_particulars_are_corrected_before_the_day(
        self, make_office: Callable[..., Office]
    ) -> None:
        """Scenario 1: a colleague who was accepted on the notice's address and name is let go by the correction, and not cut."""
        async with tenants(make_office(), slack=NO_NUMBERS) as t:
            t.tenant(GOOGLE).users[t.id_of(GOOGLE, "E1010")].employee_no = ""
            t.tenant(M365).directory.users[t.id_of(M365, "E1010")]["employeeId"] = None
            wrong = notice("E1010") | {"employee_no": "E1001"}
            case = t.report(**wrong)
            found = await t.plan(case)
            assert {found[key] for key in t.everywhere("E1010")} == {"accepted"}
            right = notice("E1001")
            correct(t, case, **{field: right[field] for field in ("name", "kana", "romaji", "email")})
            assert {t.standings(case)[key] for key in t.everywhere("E1010")} == {"look_alike"}
            found = await t.plan(case)
            assert {found[key] for key in t.everywhere("E1010")} == {"look_alike"}
            assert {found[key] for key in t.everywhere("E1001")} == {"accepted"}
            await t.cut(case)
            assert t.blocked() == t.everywhere("E1001")

    async def test_an_account_made_later_with_the_leavers_number(self, make_office: Callable[..., Office]) -> None:
        """Scenario 16: an account made after the plan, with the leaver's number and name, is found, although names come from a snapshot."""
        async with tenants(make_office()) as t:
            case = t.report(**notice("E1001"))
            await t.plan(case)
            template = t.tenant(GOOGLE).users[t.id_of(GOOGLE, "E1001")]
            again = replace(
                template, id="7" * 21, email="m.tanaka@hoshizora.example", aliases=[], grants={}, app_passwords={}
            )
            t.tenant(GOOGLE).users[again.id] = again
            await find_everywhere(t.context, case)
            assert t.standings(case)[GOOGLE, again.id] == "accepted"
            with t.context.store.read() as session:
                assert session.exec(select(Case)).one().id == case

    async def test_a_blocked_account_that_shows_less(self, make_office: Callable[..., Office]) -> None:
        """A fact that a blocked account no longer shows is not lost."""
        async with tenants(make_office()) as t:
            case = t.report(**notice("E1001"))
            await t.plan(case)
            user = t.tenant(M365).directory.users[t.id_of(M365, "E1001")]
            user.update(employeeId=None, mail=None, displayName="(disabled)", surname=None, givenName=None)
            await find_everywhere(t.context, case)
            account = next(a for a in show(t.context, case)["accounts"] if a["service"] == "microsoft365")
            assert (account["standing"], account["match"]["facts"]) == (
                "accepted",
                ["address", "confirmed_elsewhere", "name", "number"],
            )

    async def test_an_account_handed_on_is_asked_about(self, make_office: Callable[..., Office]) -> None:
        """A later read that contradicts takes the acceptance away, and somebody is asked at once."""
        async with tenants(make_office()) as t:
            case = t.report(**notice("E1001"))
            await t.plan(case)
            user = t.tenant(GOOGLE).users[t.id_of(GOOGLE, "E1001")]
            user.employee_no, user.family, user.given = "E1105", "佐々木", "花"
            await find_everywhere(t.context, case)
            assert t.standings(case)[GOOGLE, user.id] == "asked"
            (question,) = show(t.context, case)["questions"]
            shown = next(o for o in question["options"] if o["account"] == user.id)
            assert Fact.NUMBER in shown["contradictions"]
            assert shown["reason"] == MatchReason.EMAIL
