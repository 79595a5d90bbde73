"""Google Workspace: what the credentials allow, and the settings that name them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.google_workspace import Settings, connect
from connectors.google_workspace.manifest import AUDIT_READ, MANIFEST, MEMBER_WRITE, SECURITY, USER_READ
from emulators.fault_proxy import Fault
from emulators.google_workspace import SCOPES
from models.vocabulary import EntitlementKind
from tests.contract.rig_google_workspace import rig

K = EntitlementKind


class TestProbe:
    async def test_all(self) -> None:
        """With every scope and a super admin, every kind can be listed and revoked; nothing is written to find out."""
        async with rig() as r:
            found = await r.connector.probe()
            assert {a.kind for a in found.abilities} == set(MANIFEST.kinds)
            assert all(a.can_list and a.can_revoke and a.problem is None for a in found.abilities)
            assert (found.own_account_ids, found.tenant) == (frozenset({r.tenant.subject_id}), "C03h0sh1z")
            assert found.problems == ()
            assert {q.method for q in r.stage.journal if q.path != "/token"} == {"GET"}

    @pytest.mark.parametrize("scope", [AUDIT_READ, SECURITY, MEMBER_WRITE, USER_READ])
    async def test_scope_missing(self, scope: str) -> None:
        """A missing scope is an ability with the remedy that names it."""
        async with rig(allowed_scopes=SCOPES - {scope}) as r:
            found = {a.kind: a for a in (await r.connector.probe()).abilities}
            for kind, line in MANIFEST.kinds.items():
                assert found[kind].can_list is (scope not in line.read_scopes)
                assert found[kind].can_revoke is (scope not in line.write_scopes)
                lacks = scope in line.read_scopes + line.write_scopes
                assert (scope in (found[kind].remedy or "")) is lacks

    async def test_a_scope_is_not_a_right(self) -> None:
        """A listing that is refused in spite of its scope is an ability that is missing."""
        body = '{"error":{"code":403,"message":"m","errors":[{"reason":"forbidden"}]}}'
        async with rig() as r:
            r.stage.faults.append(Fault("activity/users", status=403, body=body, times=None))
            found = {a.kind: a.can_list for a in (await r.connector.probe()).abilities}
            assert [k for k, can in found.items() if not can] == [K.PASSWORD, K.SESSION]

    async def test_not_a_super_admin(self) -> None:
        """A subject that is no super admin is a problem of the whole service, with the remedy."""
        async with rig(admin="delegated") as r:
            ((problem, remedy),) = (await r.connector.probe()).problems
            assert "super admin" in problem
            assert "ADMIN_SUBJECT" in remedy

    async def test_own_account_unknown(self) -> None:
        """If no user has the subject's address, that is a problem too."""
        async with rig() as r:
            r.stage.faults.append(Fault("query=email", status=200, body="{}", times=None))
            found = await r.connector.probe()
            assert found.own_account_ids == frozenset()
            assert "own account" in found.problems[0][0]

    async def test_subject_by_alias(self) -> None:
        """A subject given by an alias is the same account; a search that finds others is not believed."""
        async with rig() as r:
            r.tenant.users[r.tenant.subject_id].aliases.append("bot@hoshizora.example")
            subject = r.connector._subject  # type: ignore[attr-defined]  # as the setting has it
            assert subject == r.tenant.subject
            body = '{"users": [{"id": "1", "primaryEmail": "other@hoshizora.example"}]}'
            r.stage.faults.append(Fault("query=email", status=200, body=body, times=None))
            assert (await r.connector.probe()).own_account_ids == frozenset()


class TestPage:
    def test_scopes_and_kinds(self) -> None:
        """The page that an administrator follows has the manifest's kinds and scopes, no more and no fewer."""
        page = (Path(__file__).parents[2] / "docs/connectors/google_workspace.md").read_text(encoding="utf-8")
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
        shown = {row[0]: row[1:7] for row in rows if row[0] in set(MANIFEST.kinds)}
        assert shown == {
            kind.value: [
                str(line.order),
                ", ".join(scope.rpartition("/")[2] for scope in line.read_scopes),
                ", ".join(scope.rpartition("/")[2] for scope in line.write_scopes),
                line.confirmation.value,
                line.restores.value,
                f"{line.residual.seconds // 60} min" if line.residual else "–",
            ]
            for kind, line in MANIFEST.kinds.items()
        }


class TestSettings:
    def test_from_the_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """The names of the settings are the documented ones; the endpoint is a root with a slash."""
        names = {
            "ENDPOINT": "http://127.0.0.1:9101",
            "CREDENTIALS_FILE": str(tmp_path / "read.json"),
            "WRITE_CREDENTIALS_FILE": str(tmp_path / "write.json"),
            "ADMIN_SUBJECT": "admin@hoshizora.example",
            "CUSTOMER": "C03h0sh1z",
            "LIMITS": '{"directory": 4800}',
        }
        for name, value in names.items():
            monkeypatch.setenv(f"LASTDAY_GOOGLE_WORKSPACE_{name}", value)
        settings = Settings()
        assert settings.endpoint == "http://127.0.0.1:9101/"
        assert settings.write_credentials_file == tmp_path / "write.json"
        assert settings.customer == "C03h0sh1z"
        assert settings.limits == {"directory": 4800}

    def test_empty(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A setting that is left empty is not set: the endpoint is Google's, one key does both, a required one is missing."""
        monkeypatch.chdir(tmp_path)
        for name in ("ENDPOINT", "CREDENTIALS_FILE", "WRITE_CREDENTIALS_FILE", "CUSTOMER"):
            monkeypatch.setenv(f"LASTDAY_GOOGLE_WORKSPACE_{name}", "")
        monkeypatch.setenv("LASTDAY_GOOGLE_WORKSPACE_ADMIN_SUBJECT", "admin@hoshizora.example")
        with pytest.raises(ValidationError, match="credentials_file"):
            Settings()
        monkeypatch.setenv("LASTDAY_GOOGLE_WORKSPACE_CREDENTIALS_FILE", "read.json")
        settings = Settings()
        assert settings.write_credentials_file is None
        assert settings.endpoint == "https://admin.googleapis.com/"
        assert settings.customer == "my_customer"

    def test_missing(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A required setting that is missing stops the start."""
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ValidationError):
            Settings()

    async def test_no_key(self, tmp_path: Path) -> None:
        """A key file that is none stops the start."""
        (tmp_path / "key.json").write_text("{}")
        with pytest.raises(ValueError, match="format"):
            await connect(Settings(credentials_file=tmp_path / "key.json", admin_subject="a@b.example"))
        with pytest.raises(FileNotFoundError):
            await connect(Settings(credentials_file=tmp_path / "none.json", admin_subject="a@b.example"))
