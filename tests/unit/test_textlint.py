"""What of the Japanese texts is given to textlint."""

from __future__ import annotations

from tests.textlint import JAPANESE, texts
from tests.unit.reading_source import ROOT, tracked

ROOMS = frozenset({"casework", "cli", "portal"})


class TestTexts:
    def test_of_every_room(self) -> None:
        """Each file of sentences and each Japanese page is read, beside the glossary and what the program has in itself."""
        paths = [path.relative_to(ROOT) for path in tracked() if path.suffix == ".toml" or ".ja." in path.name]
        written = {str(path) for path in paths if path.parts[0] in ROOMS}
        assert len(written) > 8, "the test sees the files"
        read = {place.partition(":")[0] for place, text in texts() if JAPANESE.search(text)}
        assert written | {"docs/glossary.md", "audit/verify/report.py", "portal/sections/access.py"} <= read

    def test_without_parameters(self) -> None:
        """A parameter is no text of ours: something stands in its place."""
        assert [one for one in texts() if JAPANESE.search(one.text) and "{" in one.text] == []
