"""Which title, which day, which envelope: the state that HR's lawyer would give to a paper by what its register says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest

from casework.nda import checking
from casework.nda.registers import NdaContext
from casework.policy import NdaPolicy, Policy
from emulators import documents
from emulators.pledges import EXIT as EXIT_TITLE
from emulators.pledges import PLEDGES
from models.vocabulary import PaperKind
from tests.casework.conftest import Office
from tests.casework.registers import EXIT, Hire, joined_case, look_inside
from tests.casework.shown import show
from tests.contract.nda.rig import rigging


@dataclass(frozen=True, slots=True)
class Filing:
    """*row* is what the register says of a scan, *kind* and *state* what it amounts to.  *joined*: HR's day of entry; *policy*: the company's own."""

    row: dict[str, str]
    kind: str | None
    state: str
    joined: str | None = None
    policy: NdaPolicy = field(default_factory=NdaPolicy)


def titled(title: str, signed_on: str = "2026-11-27") -> dict[str, str]:
    """A paper of which the register knows no kind."""
    return {"kind": "", "title": title, "signed_on": signed_on}


UNDATED = "秘密保持誓約書"
FILED = {
    # which title
    "its title": Filing(titled("退職時誓約書"), "exit_pledge", "signed"),
    "its title, with her name and a version": Filing(titled("退職時秘密保持誓約書_星空子_第3版.pdf"), "exit_pledge", "signed"),
    "its title, with a date behind it": Filing(titled("退職時誓約書2026.11.27.pdf"), "exit_pledge", "signed"),
    "its title, with an ending twice": Filing(titled("退職時誓約書v2.pdf.pdf"), "exit_pledge", "signed"),
    "its title, and that it came back": Filing(titled("退職時誓約書（署名済）"), "exit_pledge", "signed"),
    "its title, and the company": Filing(
        titled("Exit pledge Acme International"), "exit_pledge", "signed", policy=NdaPolicy(company="Acme International")
    ),
    "its title, and a company that nobody named": Filing(titled("Exit pledge Acme International"), None, "unreadable"),
    "an example": Filing(titled("退職時誓約書（記入例）"), None, "unreadable"),
    "not handed in": Filing(titled("退職時誓約書 未提出"), None, "unreadable"),
    "not concluded": Filing(titled("退職時誓約書 未締結"), None, "unreadable"),
    "without a signature": Filing(titled("退職時誓約書 署名なし"), None, "unreadable"),
    "waiting for a signature": Filing(titled("退職時誓約書 署名待ち"), None, "unreadable"),
    "cancelled": Filing(titled("退職時誓約書 取消"), None, "unreadable"),
    "blank": Filing(titled("退職時誓約書（白紙）"), None, "unreadable"),
    "a sample": Filing(titled("退職時誓約書_サンプル"), None, "unreadable"),
    "not signed, in English": Filing(titled("Exit pledge (not signed)"), None, "unreadable"),
    "declined, by its title": Filing(titled("Exit pledge - declined"), None, "unreadable"),
    "a word that nobody thought of": Filing(titled("退職時誓約書 ○△用"), None, "unreadable"),
    "somebody else's name": Filing(titled("退職時誓約書 月影子"), None, "unreadable"),
    "the return of things": Filing(titled("返却誓約書"), None, "unreadable"),
    "no organised crime": Filing(titled("反社会的勢力排除に関する誓約書"), None, "unreadable"),
    "a request to read the rules": Filing(titled("就業規則閲覧申請書"), None, "unreadable"),
    "a notice of resignation": Filing(titled("退職届"), None, "unreadable"),
    "a cross": Filing(titled("退職時誓約書❌"), None, "unreadable"),
    "a question": Filing(titled("退職時誓約書❓"), None, "unreadable"),
    "a warning": Filing(titled("退職時誓約書 ⚠️"), None, "unreadable"),
    "a letter that binds her to leave": Filing(titled("退職念書"), None, "unreadable"),
    "the same, as the company calls its own": Filing(
        titled("退職誓約書"), "exit_pledge", "signed", policy=NdaPolicy(titles={PaperKind.EXIT_PLEDGE: frozenset({"退職誓約書"})})
    ),
    "a pledge of what": Filing(titled("誓約書（退職時）"), None, "unreadable"),
    "no competition either": Filing(titled("秘密保持及び競業避止に関する誓約書（退職時）"), "exit_pledge", "signed"),
    "no competition either, with a dot": Filing(titled("退職時秘密保持・競業避止誓約書"), "exit_pledge", "signed"),
    "a project": Filing(titled("A案件秘密保持契約書"), "project_nda", "signed"),
    "a project, not signed": Filing(titled("未署名_A案件秘密保持契約書"), None, "unreadable"),
    "a project that is over": Filing(titled("解約済みA案件秘密保持契約書"), None, "unreadable"),
    "a project's sample": Filing(titled("見本業務委託秘密保持契約書"), None, "unreadable"),
    "the title of an example, of a digest that is known": Filing(
        titled("退職時誓約書（記入例）") | {"template_sha256": "a" * 64}, None, "unreadable",
        policy=NdaPolicy(templates={PaperKind.EXIT_PLEDGE: frozenset({"a" * 64})}),
    ),
    "two titles in one": Filing(titled("入社時誓約書 退職時誓約書"), None, "unreadable"),
    "no title but a name, and the wording's": Filing(titled("星 空子") | {"template": "退職時誓約書 第3版"}, "exit_pledge", "signed"),
    "an example of a known wording": Filing(titled("記入例") | {"template": "退職時誓約書 第3版"}, None, "unreadable"),
    "the title of an example, of a known wording": Filing(titled("退職時誓約書（記入例）") | {"template": "退職時誓約書"}, None, "unreadable"),
    "the company's own title": Filing(
        titled("退職者確認書 星"), "exit_pledge", "signed", policy=NdaPolicy(titles={PaperKind.EXIT_PLEDGE: frozenset({"退職者確認書"})})
    ),
    "the company's own word on a title of ours": Filing(
        titled("退職時誓約書"), "project_nda", "signed", policy=NdaPolicy(titles={PaperKind.PROJECT_NDA: frozenset({"退職時誓約書"})})
    ),
    # which day
    "at exit, by its day": Filing(titled(UNDATED), "exit_pledge", "signed", "2015-04-01"),
    "at entry, by its day": Filing(titled(UNDATED, "2015-04-01"), "entry_pledge", "signed", "2015-04-01"),
    "at exit, by what stands beside it": Filing(titled("秘密保持誓約書（退職時）"), "exit_pledge", "signed"),
    "at exit, of who came in the last century": Filing(titled(UNDATED), "exit_pledge", "signed", "平成7年4月1日"),
    "at entry, in the last century": Filing(titled(UNDATED, "1985-04-01"), "entry_pledge", "signed", "昭和60年4月1日"),
    "in between": Filing(titled(UNDATED, "2020-06-01"), None, "unreadable", "2015-04-01"),
    "of no day": Filing(titled(UNDATED, ""), None, "unreadable", "2015-04-01"),
    "since when she was there is not known": Filing(titled(UNDATED), None, "unreadable"),
    "came three months ago, at the beginning": Filing(titled(UNDATED, "2026-09-10"), "entry_pledge", "signed", "2026-09-01"),
    "came three months ago, at the end": Filing(titled(UNDATED, "2026-11-20"), "exit_pledge", "signed", "2026-09-01"),
    "an exit pledge of no day": Filing({"signed_on": ""}, "exit_pledge", "signed"),
    "an exit pledge of years ago": Filing({"signed_on": "2021-03-31"}, "exit_pledge", "expired"),
    "an exit pledge of before the entry": Filing({"signed_on": "2026-09-30"}, "exit_pledge", "expired", "2026-10-15"),
    "an exit pledge of a day that lies ahead": Filing({"signed_on": "2026-12-24"}, "exit_pledge", "unsigned"),
    "a term that has ended": Filing({"expires_on": "2026-11-29"}, "exit_pledge", "expired"),
    "a term that ends with the last day": Filing({"expires_on": "2026-11-30"}, "exit_pledge", "expired"),
    "a term that ends the day after it": Filing({"expires_on": "2026-12-01"}, "exit_pledge", "signed"),
    "a term that cannot be read": Filing({"expires_on": "later"}, "exit_pledge", "unreadable"),
    # which envelope
    "on its way": Filing({"status": "sent"}, "exit_pledge", "unsigned"),
    "taken back": Filing({"status": "voided"}, "exit_pledge", "unsigned"),
    "declined": Filing({"status": "declined", "declined_on": "2026-11-20"}, "exit_pledge", "refused"),
    "a word that nobody knows": Filing({"status": "reviewed"}, "exit_pledge", "unsigned"),
    "completed": Filing({"status": "completed"}, "exit_pledge", "signed"),
}  # fmt: skip


class TestFiledPapers:
    @pytest.mark.parametrize("what", FILED)
    async def test_what_the_register_says_decides(self, hire: Hire, what: str) -> None:
        """A title counts as a whole, a pledge belongs to its departure, and who has not signed has not signed."""
        filing = FILED[what]
        house = hire(Policy(nda=filing.policy))
        house.file([EXIT | filing.row], {"out.pdf": documents.scan_pdf()})
        nda = await house.check(joined_case(house, filing.joined))
        (paper,) = [one for one in nda["papers"] if one["paper"] == "folder:out"]
        assert (paper["kind"], paper["state"]) == (filing.kind, filing.state), paper["text"]

    @pytest.mark.parametrize("days", [180, 181])
    @pytest.mark.parametrize(
        ("row", "kind"),
        [({}, "exit_pledge"), (titled(UNDATED), "exit_pledge"), ({"kind": "entry_pledge"}, "entry_pledge")],
    )
    async def test_of_after_the_last_day(self, hire: Hire, row: dict[str, str], kind: str, days: int) -> None:
        """Who comes back signs again: what is far behind the last day, or an entry pledge behind it at all, is of the next employment."""
        house = hire()
        case = joined_case(house, "2015-04-01")
        house.office.clock.pass_by(days=days)
        day = date(2026, 11, 30) + timedelta(days=days)
        house.file([EXIT | row | {"signed_on": str(day)}], {"out.pdf": documents.scan_pdf()})
        nda = await house.check(case)
        (paper,) = [one for one in nda["papers"] if one["paper"] == "folder:out"]
        still = days == 180 and kind == "exit_pledge"
        told = {True: (kind, "signed"), False: (None, "unreadable") if row.get("title") else (kind, "expired")}
        assert (paper["kind"], paper["state"]) == told[still]

    @pytest.mark.parametrize(
        "old", [{"status": "voided"}, {"status": "declined"}, {"status": "sent"}, {"signed_on": "2021-03-31"}]
    )
    async def test_beside_a_new_one(self, hire: Hire, old: dict[str, str]) -> None:
        """An envelope that was taken back, declined, left lying or is of another departure stands in nobody's way."""
        house = hire()
        house.file([EXIT | {"id": "old"} | old, EXIT], {"out.pdf": documents.scan_pdf()})
        nda = await house.check(house.office.report())
        states = {one["paper"]: one["state"] for one in nda["papers"] if one["kind"] == "exit_pledge"}
        assert states["folder:out"] == "signed"
        assert "exit_pledge" not in str(nda["risk"]["reasons"])

    @pytest.mark.parametrize("title", ["誓約書（退職時）", "退職念書", "退職の誓約書"])
    async def test_a_title_that_may_be_meant(self, hire: Hire, title: str) -> None:
        """A pledge of leaving that says nothing of confidentiality is asked of a person, and counts as a doubtful exit pledge meanwhile."""
        house = hire()
        house.file([EXIT | titled(title)], {"out.pdf": documents.scan_pdf()})
        nda = await house.check(house.office.report())
        (lacking,) = [one for one in nda["papers"] if one["kind"] == "exit_pledge"]
        assert (lacking["state"], "1 doubtful" in lacking["text"]) == ("missing", True)

    async def test_an_altered_one_beside_a_signed_one(self, hire: Hire) -> None:
        """Somebody changed a paper: that shows, whatever was signed besides."""
        house = hire()
        house.file([EXIT | {"id": "old", "sha256": "0" * 64}, EXIT], {"out.pdf": documents.scan_pdf()})
        nda = await house.check(house.office.report())
        assert (nda["state"], "exit_pledge_altered" in nda["risk"]["reasons"]) == ("altered", True)

    async def test_a_register_that_knows_no_kinds(self, make_office: Callable[..., Office], tmp_path: Path) -> None:
        """At DocuSign and CloudSign too the company's own titles outrank ours."""
        own = Policy(nda=NdaPolicy(titles={PaperKind.PROJECT_NDA: frozenset({EXIT_TITLE})}))
        office = make_office(own)
        for name in ("docusign", "cloudsign"):
            async with rigging(name)(tmp_path, pledges=PLEDGES[1:2], clock=office.clock) as rig:
                case = office.report(employee_no="E1001", name="田中 美咲", email="misaki.tanaka@hoshizora.example")
                await checking.check(NdaContext(office.context, {name: rig.register}, examine=look_inside), case.id)
            shown = show(office.context, case.id)["nda"]["papers"]
            assert [one["kind"] for one in shown if one["paper"]] == ["project_nda"]
