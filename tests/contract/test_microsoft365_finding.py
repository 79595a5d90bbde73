"""Microsoft 365: finding a leaver's accounts."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote_plus

import pytest

from connectors.errors import ConnectorError, Denied, Throttled, Unintelligible, Unreachable
from connectors.microsoft365.directory import MOST_CLAUSES, Directory, read_user
from connectors.microsoft365.errors import NotFound
from connectors.microsoft365.transport import GraphTransport
from emulators.company import PEOPLE
from emulators.fault_proxy import Fault
from emulators.microsoft365.permissions import READ_TIER
from models.vocabulary import AccountKind, ComparisonResult, Fact, Leaver, Match, MatchReason
from tests.contract.rig import Rig, leaver
from tests.contract.rig_microsoft365 import graph_of, read, rig


def found(r: Rig, matches: list[Match]) -> dict[str, MatchReason]:
    """Return who was matched, by object id, and why."""
    return {match.account.id: match.reason for match in matches}


class TestFindAccounts:
    async def test_namesake(self) -> None:
        """The namesake is shown, with the number that contradicts."""
        async with rig() as r:
            matches = await r.connector.find_accounts(leaver("E1002"))
            assert {m.account.id: m.says[Fact.NUMBER] for m in matches} == {
                r.account_id("E1002"): ComparisonResult.FACT,
                r.account_id("E1003"): ComparisonResult.CONTRADICTION,
            }
            assert matches[0].account.id == r.account_id("E1002")

    async def test_alias(self) -> None:
        """A notice that names an alias finds its owner, without a number."""
        async with rig() as r:
            notice = replace(
                leaver("E1002"), employee_no="unknown", email="K.Sato@hoshizora.example", name="-", kana=None
            )
            r.tenant.directory.users[r.account_id("E1002")]["employeeId"] = None
            r.tenant.directory.users[r.account_id("E1002")]["proxyAddresses"][1] = "smtp:K.Sato@hoshizora.example"
            assert found(r, await r.connector.find_accounts(notice)) == {r.account_id("E1002"): MatchReason.ALIAS}

    async def test_former_name(self) -> None:
        """An account that still bears the former name is a candidate, with that one fact."""
        async with rig() as r:
            user = r.tenant.directory.users[r.account_id("E1005")]
            user.update(displayName="渡辺　由美", surname="渡辺", givenName="由美", employeeId=None, mail=None)
            user.update(userPrincipalName="w.yumi@hoshizora.example", proxyAddresses=[])
            (match,) = await r.connector.find_accounts(leaver("E1005"))
            assert (match.reason, match.account.id) == (MatchReason.FORMER_NAME, user["id"])
            assert dict(match.says) == {Fact.ADDRESS: ComparisonResult.NEITHER, Fact.NAME: ComparisonResult.FACT}

    async def test_guest(self) -> None:
        """A partner is found as a guest, by the address at home."""
        async with rig() as r:
            (match,) = await r.connector.find_accounts(leaver("X2001"))
            assert (match.account.id, match.account.kind) == (r.account_id("X2001"), AccountKind.GUEST)
            assert match.reason is MatchReason.EMAIL

    async def test_guest_without_mail(self) -> None:
        """A guest who never accepted has no mail yet; the sign-in name still holds the address at home."""
        async with rig() as r:
            r.tenant.directory.users[r.account_id("X2001")].update(mail=None, otherMails=[], proxyAddresses=[])
            (match,) = await r.connector.find_accounts(leaver("X2001"))
            assert (match.account.id, match.says[Fact.ADDRESS]) == (r.account_id("X2001"), ComparisonResult.FACT)

    async def test_guest_of_own_private_address(self) -> None:
        """A colleague's private address that was invited as a guest is a second account, for a person to look at."""
        async with rig() as r:
            guest = r.tenant.invite("misaki.t.0412@mail.example", "M. Tanaka")
            matches = found(r, await r.connector.find_accounts(leaver("E1001")))
            assert matches == {r.account_id("E1001"): MatchReason.EMPLOYEE_NO, guest: MatchReason.OTHER_EMAIL}

    async def test_admin_twin(self) -> None:
        """An administrator's second account is found beside the first."""
        async with rig() as r:
            matches = await r.connector.find_accounts(leaver("E1007"))
            assert found(r, matches)[r.account_id("adm-sho.ito")] is MatchReason.ADMIN_TWIN
            assert {m.account.kind for m in matches} == {AccountKind.MEMBER, AccountKind.ADMIN}

    async def test_old_forms_of_kanji(self) -> None:
        """A directory that writes the new forms is found by a notice in the old ones."""
        async with rig() as r:
            user = r.tenant.directory.users[r.account_id("E1015")]
            user.update(displayName="高崎徳子", employeeId=None, mail=None, proxyAddresses=[])
            user.update(userPrincipalName="t@hoshizora.example")
            (match,) = await r.connector.find_accounts(leaver("E1015"))
            assert (match.account.id, match.reason) == (user["id"], MatchReason.NAME)

    async def test_inactive(self) -> None:
        """A disabled account is found, and said to be disabled."""
        async with rig() as r:
            r.tenant.directory.users[r.account_id("E1001")]["accountEnabled"] = False
            (match,) = await r.connector.find_accounts(leaver("E1001"))
            assert match.account.active is False

    async def test_synced(self) -> None:
        """An account that is mastered on premises says so."""
        async with rig() as r:
            account = (await r.connector.find_accounts(leaver("E1004")))[0].account
            assert (account.id, account.mastered_elsewhere, account.active) == (r.account_id("E1004"), True, True)

    async def test_missing_property(self) -> None:
        """A user without `accountEnabled` is not read as enabled or disabled."""
        async with rig() as r:
            body = '{"value": [{"id": "1", "userPrincipalName": "x@hoshizora.example"}]}'
            r.stage.faults.append(Fault("GET /v1.0/users", status=200, body=body, times=None))
            with pytest.raises(Unintelligible, match="accountEnabled"):
                await r.connector.find_accounts(leaver("E1001"))

    async def test_number_held_by_two(self) -> None:
        """Employee numbers are not unique in Entra: both accounts are shown."""
        async with rig() as r:
            r.tenant.directory.users[r.account_id("E1010")]["employeeId"] = "E1001"
            assert set(found(r, await r.connector.find_accounts(leaver("E1001")))) == {
                r.account_id("E1001"),
                r.account_id("E1010"),
            }

    async def test_nobody(self) -> None:
        """Somebody whom the tenant does not know has no account, and that is an answer."""
        async with rig() as r:
            assert await r.connector.find_accounts(Leaver("Z9", "存在 しない", "nobody@elsewhere.example")) == []

    @pytest.mark.parametrize("person", [p for p in PEOPLE if p.employee_no], ids=lambda p: p.employee_no)
    async def test_every_filter_is_one_that_graph_answers(self, person: object) -> None:
        """No filter has more clauses than the directory takes, whatever the name."""
        for clause in Directory(GraphTransport.__new__(GraphTransport)).filters(leaver(person.employee_no)):  # type: ignore[attr-defined]  # a parametrized Person
            assert clause.count(" or ") < MOST_CLAUSES
            assert clause.count("', '") < MOST_CLAUSES

    async def test_quote_in_a_name(self) -> None:
        """O'Brien is found by name: the quote is doubled, as OData wants it."""
        async with rig() as r:
            user = r.tenant.directory.users[r.account_id("E1013")]
            user.update(employeeId=None, mail=None, proxyAddresses=[], userPrincipalName="s@hoshizora.example")
            (match,) = await r.connector.find_accounts(leaver("E1013"))
            assert match.account.id == user["id"]

    async def test_large_directory_is_not_read_whole(self) -> None:
        """The number of queries does not grow with the directory, which is read once for all leavers."""
        async with rig() as r:
            for n in range(500):
                r.tenant.invite(f"guest{n}@partner.example", f"Guest {n}")
            for number in ("E1001", "E1002", "E1010"):
                await r.connector.find_accounts(leaver(number))
            queries = [q for q in r.stage.journal if q.method == "GET"]
            assert len([q for q in queries if "$filter" not in unquote_plus(q.query)]) == 1
            assert len(queries) <= 1 + 3 * 6
            assert not any("consistencylevel" in str(q).casefold() for q in queries)

    async def test_number_in_an_extension_attribute(self) -> None:
        """Where the setting says that the number stands in an extension attribute, it is read there."""
        place = "onPremisesExtensionAttributes.extensionAttribute3"
        async with rig(settings={"number_field": place}) as r:
            user = r.tenant.directory.users[r.account_id("E1001")]
            user.update(employeeId="0000", onPremisesExtensionAttributes={"extensionAttribute3": "E1001"})
            (match,) = await r.connector.find_accounts(leaver("E1001"))
            assert match.says[Fact.NUMBER] is ComparisonResult.FACT

    async def test_an_account_younger_than_the_snapshot(self) -> None:
        """Number and addresses are asked for afresh: an account made a moment ago is found."""
        async with rig() as r:
            await r.connector.find_accounts(leaver("E1001"))
            guest = r.tenant.invite("misaki.t.0412@mail.example", "M. Tanaka")
            assert guest in found(r, await r.connector.find_accounts(leaver("E1001")))

    async def test_every_page(self) -> None:
        """With one entry a page, and an empty page in between, nobody is lost."""
        async with rig(page_size=1, empty_page=True) as r:
            assert set(found(r, await r.connector.find_accounts(leaver("E1002")))) == {
                r.account_id("E1002"),
                r.account_id("E1003"),
            }

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (Fault("GET /v1.0/users", status=429, times=None), Throttled),
            (Fault("GET /v1.0/users", status=502, times=None), Unreachable),
            (Fault("GET /v1.0/users", drop=True, times=None), Unreachable),
            (Fault("GET /v1.0/users", status=200, body="<html>", times=None), Unintelligible),
            (Fault("GET /v1.0/users", status=200, body='{"value": 1}', times=None), Unintelligible),
            (Fault("skiptoken", status=500, times=None), Unreachable),
        ],
        ids=["throttled", "gateway", "dropped", "html", "no list", "second page"],
    )
    async def test_incomplete(self, fault: Fault, error: type[ConnectorError]) -> None:
        """A directory that was not read whole is an error, never a shorter list."""
        async with rig(page_size=1) as r:
            r.stage.faults.append(fault)
            with pytest.raises(error) as raised:
                await r.connector.find_accounts(leaver("E1002"))
            assert raised.value.evidence

    async def test_missing_permission(self) -> None:
        """Without the permission to read users the refusal names it."""
        async with rig(permissions=READ_TIER - {"User.Read.All"}) as r:
            with pytest.raises(Denied, match="Authorization_RequestDenied") as raised:
                await r.connector.find_accounts(leaver("E1001"))
            assert "User.Read.All" in raised.value.advice


class TestReadUser:
    async def test_another_came(self) -> None:
        """A sign-in name is not an id: whoever answers to it is not taken for the account."""
        async with rig() as r:
            with pytest.raises(Unintelligible, match="another one came"):
                await read_user(graph_of(r), "misaki.tanaka@hoshizora.example", ["id"], [])

    async def test_other_404(self) -> None:
        """Only the directory's own code means that there is no such account: another 404 does not."""
        async with rig() as r:
            r.stage.faults.append(Fault("GET /v1.0/users/", status=404, body='{"error": {"code": "ResourceNotFound"}}'))
            with pytest.raises(Unintelligible) as raised:
                await read(r)
            assert not isinstance(raised.value, NotFound)
