"""HR's notices, right and wrong, on the emulated company: who is cut, who is not, through the vendors' own SDKs."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.company import person
from emulators.tenants import Company, tenants
from tests.rehearsal.conftest import POLICY
from tests.rehearsal.test_verbs import waive_what_slack_hides
from tests.terminal_house import House

LEAVER, COLLEAGUE, ON_LEAVE = "E1001", "E1003", "E1005"


def notice(house: House, email: str) -> dict[str, Any]:
    """Report the leaver, under this address."""
    words = (
        "--employee-no",
        LEAVER,
        "--name",
        person(LEAVER).name,
        "--email",
        email,
        "--employment-ends-on",
        "2026-11-20",
    )
    answer: dict[str, Any] = house.json("depart", *words, "--kind", "resignation")["cases"][0]
    return answer


class TestACorrectedNotice:
    @pytest.fixture
    def company(self, house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The company whose Slack knows no employee numbers: there nothing contradicts a colleague's address."""
        options = {"employee_numbers": False}
        with tenants(house.directory / "tenants", spare_owners=True, slack_options=options) as there:
            for name, value in there.env.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("LASTDAY_POLICY_FILE", house.file("policy.toml", POLICY))
            yield there

    def test_spares_the_colleague_whose_address_stood_in_it(self, house: House, company: Company) -> None:
        """
        HR's notice bears a colleague's address: that alone makes no account the leaver's, and is asked.  The notice is
        corrected before the cut, and only the leaver is cut.
        """
        waive_what_slack_hides(house)
        case = notice(house, person(COLLEAGUE).email)["case"]
        planned = house.json("plan", case, code=1)
        found = {(a["service"], a["id"]): a["standing"] for a in planned["accounts"]}
        assert found["slack", company.truths["slack"].account_id(COLLEAGUE)] == "asked", (
            "the notice names the colleague"
        )
        corrected = notice(house, person(LEAVER).email)
        assert (corrected["case"], corrected["outcome"], corrected["corrected"]) == (case, "same", ["email"])
        house.lastday("run", case, "--for-real", "--json")
        for name, truth in company.truths.items():
            assert truth.changed() == {truth.account_id(LEAVER)}, name


class TestAFileWithAnUnknownColumnOfKinds:
    HEAD = "社員番号,氏名,メールアドレス,退職日,異動区分\r\n"

    def file(self, house: House) -> str:
        """HR's export of the month: one leaves, one is on leave, one stays after all."""
        kinds = {LEAVER: "自己都合", ON_LEAVE: "休職", COLLEAGUE: "退職撤回"}
        rows = [f"{n},{person(n).name},{person(n).email},2026-11-20,{kind}\r\n" for n, kind in kinds.items()]
        return house.file("hr.csv", (self.HEAD + "".join(rows)).encode("cp932"))

    def test_stops_and_asks_then_cuts_the_leaver_alone(self, house: House, company: Company) -> None:
        """
        Nothing is opened and the column is named, whatever kind is typed for the whole file; once policy names the column, who
        is on leave and who stays are refused by row, and the leaver alone is cut.
        """
        waive_what_slack_hides(house)
        before = house.sizes()
        for words in ((), ("--kind", "resignation"), ("--kind", "resignation", "--each-row")):
            answer = house.json("depart", "--csv", self.file(house), *words, code=2)
            assert (answer["cases"], answer["refused"][0]["column"]) == ([], "異動区分")
            assert "--kind resignation" in answer["refused"][0]["remedy"]
            assert 'kind_column = "異動区分"' in answer["refused"][0]["remedy"]
        assert house.sizes() == before
        house.file("policy.toml", POLICY + '[intake]\nkind_column = "異動区分"\n')
        answer = house.json("depart", "--csv", self.file(house), "--each-row", "--for-real", code=2)
        assert [case["employee_no"] for case in answer["cases"]] == [LEAVER]
        assert [r["code"] for r in answer["refused"]] == ["leave_is_no_departure", "withdrawn_is_no_departure"]
        assert house.json("run", answer["cases"][0]["case"])["state"] == "closed"
        for name, truth in company.truths.items():
            assert truth.changed() == {truth.account_id(LEAVER)}, name
