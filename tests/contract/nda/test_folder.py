"""What only a folder can get wrong: its manifest, its files, its index, its outbox."""

from __future__ import annotations

import json
import os
import stat
from datetime import date
from pathlib import Path

import pytest

from connectors.errors import NotConfigured, NotOnPlan, Unintelligible, Unreachable
from connectors.nda.contract import Paper
from connectors.nda.folder import FolderRegister, index
from connectors.nda.folder.index import NAME
from connectors.nda.folder.papers import pledge_id
from models.vocabulary import MatchReason, PaperKind
from tests.contract.nda.rig import PDF
from tests.contract.rig import leaver

HEADER = "file,kind,signer_name,signer_email,signer_employee_no,signed_on,survives,status,expires_on,sha256\n"
OTHER = "application/octet-stream"
LINE = "a.pdf,entry_pledge,田中 美咲,misaki.tanaka@hoshizora.example,E1001,2020-04-01,yes,,,\n"


def folder(path: Path, lines: str = LINE, *, header: str = HEADER, encoding: str = "utf-8") -> FolderRegister:
    """A folder with one file and a manifest of *lines*."""
    (path / "a.pdf").write_bytes(PDF)
    (path / "manifest.csv").write_text(header + lines, encoding=encoding)
    return FolderRegister(path)


async def papers(register: FolderRegister, employee_no: str = "E1001") -> list[Paper]:
    """What is found for somebody."""
    return [match.paper for match in (await register.find_papers(leaver(employee_no))).matches]


class TestManifest:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
    async def test_in_japanese(self, tmp_path: Path, encoding: str) -> None:
        """Japanese headers, words and eras are read, in the encodings that spreadsheets write."""
        header = "ファイル,種別,署名者氏名,社員番号,署名日,退職後有効,有効期限,状態,部署\n"
        line = "a.pdf,入社時誓約書,田中 美咲,Ｅ１００１,令和2年4月1日,はい,2030/3/31,締結済,営業部\n"
        (paper,) = await papers(folder(tmp_path, line, header=header, encoding=encoding))
        assert (paper.kind, paper.completed, paper.survives) == (PaperKind.ENTRY_PLEDGE, True, True)
        assert (paper.signed_on, paper.expires_on) == (date(2020, 4, 1), date(2030, 3, 31))
        assert paper.details["部署"] == "営業部"

    async def test_in_json_lines(self, tmp_path: Path) -> None:
        """The same in JSON, one object a line, with JSON's own yes and no."""
        line = {
            "file": "a.pdf",
            "kind": "project_nda",
            "signer_employee_no": "E1001",
            "survives": True,
            "language": "日本語",
        }
        (tmp_path / "manifest.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
        (paper,) = await papers(FolderRegister(tmp_path))
        assert (paper.kind, paper.survives, paper.language) == (PaperKind.PROJECT_NDA, True, "ja")

    async def test_work_rules_bind_everybody(self, tmp_path: Path) -> None:
        """An article of the work rules names no signer and is everybody's; a pledge without a signer is nobody's."""
        register = folder(tmp_path, ",work_rules,,,,,yes,,,\nb.pdf,exit_pledge,,,,,yes,,,\n")
        found = await register.find_papers(leaver("E1014"))
        assert [(m.paper.kind, m.reason, m.confidence) for m in found.matches] == [
            (PaperKind.WORK_RULES, MatchReason.EVERYBODY, 1.0)
        ]
        assert found.matches[0].paper.media_type is None

    @pytest.mark.parametrize(
        ("name", "media_type"),
        [("a.PDF", "application/pdf"), ("a.tif", "image/tiff"), ("a.html", OTHER), ("a.pdf.gz", OTHER), ("a", OTHER)],
    )
    async def test_media_type(self, tmp_path: Path, name: str, media_type: str) -> None:
        """It is the same on each machine, whatever types the machine itself knows."""
        (paper,) = await papers(folder(tmp_path, LINE.replace("a.pdf", name)))
        assert paper.media_type == media_type

    @pytest.mark.parametrize("cell", ["2020-13-45", "unknown", "04/01/20", "２０２０"])
    async def test_a_cell_without_sense(self, tmp_path: Path, cell: str) -> None:
        """A date that cannot be read is unknown and said to be; the paper itself is not lost."""
        (paper,) = await papers(folder(tmp_path, LINE.replace("2020-04-01", cell)))
        assert paper.signed_on is None
        assert paper.details["problem"] == "signed_on cannot be read"

    @pytest.mark.parametrize(
        "lines",
        [
            LINE + LINE,
            LINE + '"torn,entry_pledge\n',
            LINE.replace(",,,\n", ",,,,,,,\n"),
            "\x00" + LINE,
            "a\n" + LINE * 2,
        ],
    )
    async def test_refused_whole(self, tmp_path: Path, lines: str) -> None:
        """A manifest that is torn or holds a paper twice is an error with a line, never a part of a register."""
        with pytest.raises(Unintelligible, match="line"):
            await papers(folder(tmp_path, lines))

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    async def test_one_torn_byte(self, tmp_path: Path, encoding: str) -> None:
        """UTF-8 with one bad byte is refused with its line, not read as CP932 with every name in it another one."""
        register = folder(tmp_path, LINE + LINE.replace("a.pdf", "b.pdf"), encoding=encoding)
        path = tmp_path / "manifest.csv"
        path.write_bytes(path.read_bytes() + "c.pdf,entry_pledge,田".encode()[:-1] + b",,,,,,,\n")
        with pytest.raises(Unintelligible, match="line 4"):
            await papers(register)

    async def test_line_ends_within_strings(self, tmp_path: Path) -> None:
        """What Unicode calls an end of a line may stand within a string of JSON."""
        line = {
            "file": "a.pdf",
            "kind": "exit_pledge",
            "signer_employee_no": "E1001",
            "title": "誓約書\u2028退職時\x85",
        }
        (tmp_path / "manifest.jsonl").write_bytes(json.dumps(line, ensure_ascii=False).encode() + b"\r\n")
        assert len(await papers(FolderRegister(tmp_path))) == 1

    async def test_written_while_being_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Half a manifest is not the register: what is being written is read when it is whole."""
        register, whole = folder(tmp_path), LINE + LINE.replace("a.pdf", "b.pdf")
        read = Path.read_bytes

        def overtaken(path: Path) -> bytes:
            content = read(path)
            monkeypatch.setattr(Path, "read_bytes", read)
            folder(tmp_path, whole)
            return content

        monkeypatch.setattr(Path, "read_bytes", overtaken)
        with pytest.raises(Unreachable, match="being written"):
            await papers(register)
        assert len(await papers(register)) == 2

    async def test_none_or_two(self, tmp_path: Path) -> None:
        """Without a manifest, or with two, nothing is guessed, and the probe says what to do."""
        with pytest.raises(NotConfigured, match="no manifest"):
            await papers(FolderRegister(tmp_path))
        register = folder(tmp_path)
        (tmp_path / "manifest.jsonl").write_text("")
        ((problem, remedy),) = await register.probe()
        assert "two manifests" in problem
        assert "LASTDAY_NDA_FOLDER" in remedy


class TestFetch:
    async def test_a_missing_file_is_unreadable(self, tmp_path: Path) -> None:
        """The manifest says that the paper exists: that its file is gone does not unsign it."""
        register = folder(tmp_path)
        (tmp_path / "a.pdf").unlink()
        assert len(await papers(register)) == 1
        with pytest.raises(Unreachable, match="FileNotFoundError"):
            await register.fetch("a.pdf")

    @pytest.mark.parametrize(
        "name", ["../secret.pdf", "/etc/hostname", "link.pdf", "sub/../../secret.pdf", "..\\secret.pdf", "pipe", "."]
    )
    async def test_never_leaves_the_folder(self, tmp_path: Path, name: str) -> None:
        """A name that leads out, by dots, slashes or links, and what is no plain file, is not read."""
        (tmp_path / "secret.pdf").write_bytes(b"secret")
        inside = tmp_path / "inside"
        inside.mkdir()
        (inside / "link.pdf").symlink_to(tmp_path / "secret.pdf")
        os.mkfifo(inside / "pipe")
        with pytest.raises((Unintelligible, Unreachable)):
            await folder(inside, LINE.replace("a.pdf", name)).fetch(name)

    async def test_the_bytes_as_they_are(self, tmp_path: Path) -> None:
        """Altered bytes are handed out as they are: the digest in the manifest says that they were others."""
        register = folder(tmp_path, LINE.replace(",,,\n", f",,,{'0' * 64}\n"))
        assert await register.fetch("a.pdf") == PDF
        paper = await register.look_up("a.pdf")
        assert paper is not None
        assert paper.sha256 == "0" * 64


class TestIndex:
    async def test_built_again_when_the_manifest_differs(self, tmp_path: Path) -> None:
        """Searches build nothing until the manifest's digest changes, however its time stamp is set."""
        register = folder(tmp_path)
        assert len(await papers(register)) == 1
        built = (tmp_path / NAME).stat()
        for _ in range(2):
            assert len(await papers(register)) == 1
        os.utime(tmp_path / "manifest.csv", (0, 0))
        assert len(await papers(register)) == 1
        now = (tmp_path / NAME).stat()
        assert (now.st_ino, now.st_mtime_ns) == (built.st_ino, built.st_mtime_ns)
        (tmp_path / "manifest.csv").write_text(HEADER, encoding="utf-8")
        os.utime(tmp_path / "manifest.csv", (0, 0))
        assert await papers(register) == []
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600

    async def test_same_size_and_instant(self, tmp_path: Path) -> None:
        """A manifest rewritten within the clock's coarseness, with the same length, is seen to be another."""
        register = folder(tmp_path)
        assert len(await papers(register)) == 1
        folder(
            tmp_path,
            LINE.replace("E1001", "E1009").replace("misaki.tanaka", "makoto.suzuk1").replace("田中 美咲", "小林 誠人"),
        )
        assert await papers(register) == []

    async def test_of_another_version(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """An index that another version of lastday made has other keys: it is built again."""
        register = folder(tmp_path)
        with monkeypatch.context() as former:
            former.setattr(index, "_VERSION", "0")
            former.setattr(index, "keys_of", lambda _: {"keys", "of", "then"})
            assert await papers(register) == []
        assert len(await papers(register)) == 1

    async def test_torn_or_foreign_index(self, tmp_path: Path) -> None:
        """An index that is not one is thrown away, not believed."""
        (tmp_path / NAME).write_bytes(b"SQLite format 3\0 but torn")
        assert len(await papers(folder(tmp_path))) == 1

    async def test_torn_behind_its_first_page(self, tmp_path: Path) -> None:
        """A torn index is built anew, not told to be the register's fault for ever."""
        register = folder(tmp_path, LINE + "".join(LINE.replace("a.pdf", f"{n}.pdf") for n in range(300)))
        assert len(await papers(register)) == 301
        os.utime(tmp_path / "manifest.csv", (0, 0))
        await register.look_up("a.pdf")
        path = tmp_path / NAME
        content = path.read_bytes()
        path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        assert len(await papers(FolderRegister(tmp_path))) == 301


class TestOutbox:
    async def test_file_for_a_wet_signature(self, tmp_path: Path) -> None:
        """The pledge lies in the outbox for its owner alone, waits there unsigned, and nobody is reminded."""
        register = folder(tmp_path)
        sent = await register.send(PDF, leaver("E1001"), title="退職時誓約書", key="case/exit")
        written = tmp_path / "outbox" / f"{sent.id}.pdf"
        assert written.read_bytes() == PDF
        assert stat.S_IMODE(written.stat().st_mode) == 0o600
        assert "E1001" not in sent.id
        assert sent.id in {paper.id for paper in await papers(register)}
        with pytest.raises(NotOnPlan):
            await register.remind(sent.id)

    async def test_torn_between_the_files(self, tmp_path: Path) -> None:
        """A crash before the second file leaves nothing sent: the next call writes both."""
        register = folder(tmp_path)
        sent = await register.send(PDF, leaver("E1001"), title="t", key="k")
        (tmp_path / "outbox" / f"{sent.id}.json").unlink()
        assert await register.look_up(sent.id) is None
        assert (await register.send(PDF, leaver("E1001"), title="t", key="k")).id == sent.id
        assert await register.look_up(sent.id) is not None

    async def test_file_that_cannot_be_written(self, tmp_path: Path) -> None:
        """A pledge whose file cannot be written was not sent."""
        register = folder(tmp_path)
        (tmp_path / "outbox" / f"{pledge_id('k')}.pdf").mkdir(parents=True)
        with pytest.raises(Unreachable):
            await register.send(PDF, leaver("E1001"), title="t", key="k")
        assert await register.find_sent("k") is None

    async def test_file_that_cannot_be_removed(self, tmp_path: Path) -> None:
        """A pledge whose file cannot be removed was taken back: nobody waits for it any more."""
        register = folder(tmp_path)
        sent = await register.send(PDF, leaver("E1001"), title="t", key="k")
        written = tmp_path / "outbox" / f"{sent.id}.pdf"
        written.unlink()
        written.mkdir()
        with pytest.raises(Unreachable):
            await register.take_back(sent.id, "the last day moved")
        assert await register.find_sent("k") is None
