"""Which files others may read, and what is said of them; the database that nobody else could ever read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from casework.activity.file_format import SeenRecords
from casework.bootstrap import open_context
from casework.errors import Misconfigured
from casework.private_files import UnprotectedFile, find_open_files, refuse_open_files
from casework.schema import migrate
from casework.settings import CaseworkSettings, read_settings
from casework.store import open_engine

SECRET = "xoxp-not-to-be-told"
KEYS = {
    "google.json": "LASTDAY_GOOGLE_WORKSPACE_CREDENTIALS_FILE",
    "write.json": "LASTDAY_GOOGLE_WORKSPACE_WRITE_CREDENTIALS_FILE",
    "entra.pem": "LASTDAY_MICROSOFT365_CERTIFICATE_FILE",
    "docusign.pem": "LASTDAY_DOCUSIGN_KEY_FILE",
    "prefect.key": "LASTDAY_PREFECT_KEY_FILE",
    "log.key": "LASTDAY_AUDIT_KEY_FILE",
    "case.key": "LASTDAY_CERTIFICATE_KEY_FILE",
    "evidence.key": "LASTDAY_EVIDENCE_KEY_FILE",
}
DATABASE = ("lastday.db", "lastday.db-wal", "lastday.db-shm")
KINDS = (".env", *KEYS, *DATABASE)
CLOSED = (0o600, 0o700, 0o400, 0o611)
OPEN = (0o640, 0o644, 0o604, 0o666, 0o620, 0o602)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with every kind of file, each closed to others, to which the settings lead by relative paths."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("LASTDAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LASTDAY_DATABASE_URL", "sqlite:///lastday.db")
    for file, setting in KEYS.items():
        monkeypatch.setenv(setting, file)
    for name in KINDS:
        (tmp_path / name).write_text(f"LASTDAY_SLACK_TOKEN={SECRET}\n")
        (tmp_path / name).chmod(0o600)
    return tmp_path


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Whatever is made by the umask alone is everybody's."""
    before = os.umask(0)
    yield
    os.umask(before)


def found() -> list[str]:
    return [str(file.path) for file in find_open_files(read_settings())]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestFind:
    @pytest.mark.parametrize("bits", CLOSED + OPEN, ids="{:04o}".format)
    @pytest.mark.parametrize("name", KINDS)
    def test_each_kind(self, folder: Path, name: str, bits: int) -> None:
        """`.env`, each key file, the database and what lies beside it: found if group or everybody may read or write."""
        (folder / name).chmod(bits)
        assert [Path(path).name for path in found()] == ([name] if bits in OPEN else [])

    def test_by_default(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key file that no setting names is looked for where it is by default."""
        monkeypatch.delenv("LASTDAY_CERTIFICATE_KEY_FILE")
        (folder / "var/keys").mkdir(parents=True)
        (folder / "var/keys/certificate.key").touch(0o666)
        (folder / "var/keys/certificate.key").chmod(0o640)
        assert found() == ["var/keys/certificate.key"]

    @pytest.mark.parametrize("line", ["LASTDAY_DOCUSIGN_KEY_FILE", "lastday_docusign_key_file"])
    def test_named_in_env_file(self, folder: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
        """`.env` names files too, in any case of letters, and an empty variable does not hide what it says."""
        monkeypatch.setenv("LASTDAY_DOCUSIGN_KEY_FILE", "")
        (folder / ".env").write_text(f"{line}=elsewhere.pem\n")
        (folder / "elsewhere.pem").touch()
        (folder / "elsewhere.pem").chmod(0o644)
        assert found() == ["elsewhere.pem"]

    def test_environment_outranks(self, folder: Path) -> None:
        """A file that only `.env` names, and the environment otherwise, is not used, and so is nobody's business."""
        (folder / ".env").write_text("LASTDAY_DOCUSIGN_KEY_FILE=elsewhere.pem\n")
        (folder / "elsewhere.pem").touch()
        (folder / "elsewhere.pem").chmod(0o644)
        assert found() == []

    def test_public_and_other_files(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Public keys, roots and the policy hold no secret."""
        for setting in ("AUDIT_PUBLIC_KEY_FILE", "CERTIFICATE_PUBLIC_KEY_FILE", "TIMESTAMP_ROOTS_FILE", "POLICY_FILE"):
            (folder / setting).touch()
            (folder / setting).chmod(0o644)
            monkeypatch.setenv(f"LASTDAY_{setting}", setting)
        assert found() == []

    def test_missing_and_no_files(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is missing, or is no file, is told by whoever needs it."""
        for name in KINDS:
            (folder / name).unlink()
        (folder / "google.json").mkdir(mode=0o755)
        monkeypatch.setenv("LASTDAY_DOCUSIGN_KEY_FILE", "google.json/deeper/key.pem")
        monkeypatch.delenv("LASTDAY_PREFECT_KEY_FILE")
        (folder / ".env").write_text("LASTDAY_PREFECT_KEY_FILE=a\0b\n")
        (folder / ".env").chmod(0o600)
        assert found() == []

    def test_named_twice(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key that serves for reading and for revoking is told of once."""
        monkeypatch.setenv("LASTDAY_GOOGLE_WORKSPACE_WRITE_CREDENTIALS_FILE", "google.json")
        (folder / "google.json").chmod(0o644)
        assert found() == ["google.json"]

    @pytest.mark.parametrize("name", [".env", "google.json", "lastday.db"])
    def test_links(self, folder: Path, name: str) -> None:
        """A link is what it leads to, whatever its own mode."""
        (folder / "elsewhere").mkdir()
        target = (folder / name).rename(folder / "elsewhere" / name)
        (folder / name).symlink_to(target)
        assert found() == []
        target.chmod(0o644)
        assert found() == [name]

    def test_beside_a_linked_database(self, folder: Path) -> None:
        """SQLite keeps its log beside the file that the link leads to."""
        (folder / "elsewhere").mkdir()
        for name in DATABASE:
            (folder / name).rename(folder / "elsewhere" / name)
        (folder / "lastday.db").symlink_to(folder / "elsewhere" / "lastday.db")
        (folder / "elsewhere" / "lastday.db-wal").chmod(0o644)
        assert found() == [str(folder.resolve() / "elsewhere" / "lastday.db-wal")]

    @pytest.mark.parametrize("url", ["postgresql+psycopg://u:p@h/d", "sqlite://", "sqlite:///:memory:", "nonsense"])
    def test_no_file_of_a_database(self, folder: Path, url: str) -> None:
        """A database that is no file of ours, or no database, has none to be looked at."""
        (folder / "lastday.db").chmod(0o666)
        assert find_open_files(CaseworkSettings(database_url=url)) == []

    def test_not_ours(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file is ours if it belongs to us; root may change others', and does not know who needs them."""
        (folder / ".env").chmod(0o644)
        assert find_open_files(read_settings()) == [UnprotectedFile(Path(".env"), 0o644, ours=True)]
        owner = (folder / ".env").stat().st_uid
        monkeypatch.setattr(os, "geteuid", lambda: 0 if owner else 4242)
        assert find_open_files(read_settings()) == [UnprotectedFile(Path(".env"), 0o644, ours=False)]


class TestRefuse:
    def test_names_all(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """All are named at once with path, mode and what closes them, as a shell takes it; nothing that is in them is told."""
        odd = folder / "my key.json"
        (folder / "google.json").rename(odd)
        monkeypatch.setenv("LASTDAY_GOOGLE_WORKSPACE_CREDENTIALS_FILE", odd.name)
        (folder / ".env").chmod(0o644)
        odd.chmod(0o660)
        with pytest.raises(Misconfigured) as refused:
            refuse_open_files()
        assert str(refused.value) == (
            "files: cannot go on: others may read or change .env (mode 0644); others may read or change my key.json (mode 0660)"
        )
        assert refused.value.remedy == "Run `chmod 600 .env 'my key.json'`."
        assert SECRET not in str(refused.value) + refused.value.remedy

    def test_after_chmod(self, folder: Path) -> None:
        """The remedy is one."""
        for name in KINDS:
            (folder / name).chmod(0o644)
        with pytest.raises(Misconfigured):
            refuse_open_files()
        for name in KINDS:
            (folder / name).chmod(0o600)
        assert refuse_open_files() == []

    def test_not_ours(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is not ours to change is returned, to be told as a warning."""
        (folder / "google.json").chmod(0o640)
        monkeypatch.setattr(os, "geteuid", lambda: 4242)
        (file,) = refuse_open_files()
        assert file.text == "others may read or change google.json (mode 0640)"
        assert "chmod 600 google.json" in file.remedy
        assert "another user" in file.remedy

    async def test_never_in_a_run(self, folder: Path) -> None:
        """A run that carries a cut opens its database whatever the modes: only the start of a verb or of a process asks."""
        for name in DATABASE:
            (folder / name).unlink()
        engine = open_engine("sqlite:///lastday.db")
        migrate(engine)
        engine.dispose()
        for name in (".env", "lastday.db"):
            (folder / name).chmod(0o666)
        async with open_context(connected=False):
            with pytest.raises(Misconfigured):
                refuse_open_files()


class TestDatabase:
    @pytest.mark.parametrize("path", ["lastday.db", "deep/er/lastday.db"])
    def test_of_its_owner_alone(self, tmp_path: Path, no_umask: None, path: str) -> None:
        """Whatever the umask, nobody else can read the database, nor its log and index while it is in use."""
        engine = open_engine(f"sqlite:///{tmp_path / path}")
        assert mode(tmp_path / path) == 0o600, "before the first connection"
        migrate(engine)
        with engine.connect():
            beside = sorted((tmp_path / path).parent.iterdir())
            assert [file.name for file in beside] == sorted(DATABASE)
            assert {mode(file) for file in beside} == {0o600}
        engine.dispose()

    def test_through_a_link(self, tmp_path: Path, no_umask: None) -> None:
        """So is one that a link leads to before it is there."""
        (tmp_path / "link.db").symlink_to(tmp_path / "there.db")
        open_engine(f"sqlite:///{tmp_path / 'link.db'}").dispose()
        assert mode(tmp_path / "there.db") == 0o600

    def test_left_as_it_is(self, tmp_path: Path) -> None:
        """An existing one is not changed behind its owner's back: it is refused when a verb starts."""
        (tmp_path / "a.db").touch()
        (tmp_path / "a.db").chmod(0o644)
        open_engine(f"sqlite:///{tmp_path / 'a.db'}").dispose()
        assert mode(tmp_path / "a.db") == 0o644

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
    def test_in_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        """One in memory makes no file."""
        monkeypatch.chdir(tmp_path)
        open_engine(url).dispose()
        assert list(tmp_path.iterdir()) == []

    def test_by_uri(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """SQLite's own URIs would lead to a file that is not looked at: they are refused."""
        monkeypatch.chdir(tmp_path)
        with pytest.raises(Misconfigured, match="URI"):
            open_engine("sqlite:///file:a.db?uri=true")
        assert list(tmp_path.iterdir()) == []


class TestSeenRecords:
    def test_of_its_owner_alone(self, tmp_path: Path, no_umask: None) -> None:
        """So is the file that remembers which of a log's records were read."""
        with closing(SeenRecords(tmp_path / "case" / "log.seen")):
            made = list((tmp_path / "case").iterdir())
            assert {mode(file) for file in made} == {0o600}
        assert (len(made), mode(tmp_path / "case")) == (3, 0o700)
