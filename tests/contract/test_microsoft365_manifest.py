"""Microsoft 365: the page for operators says what the manifest says."""

from __future__ import annotations

from pathlib import Path

from connectors.microsoft365.manifest import MANIFEST

PAGE = Path(__file__).parents[2] / "docs/connectors/microsoft365.md"


class TestPage:
    def test_permissions(self) -> None:
        """Kinds and permissions in the documentation are those of the manifest, tier by tier."""
        lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text().splitlines()]
        table = {cells[0]: cells[1:3] for cells in lines if len(cells) == 4 and cells[0] in set(MANIFEST.kinds)}
        assert table == {
            str(kind): [", ".join(row.read_scopes), ", ".join(row.write_scopes)] for kind, row in MANIFEST.kinds.items()
        }

    def test_settings(self) -> None:
        """Every setting of ours is named."""
        page = PAGE.read_text()
        for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "CERTIFICATE_FILE", "GRAPH_ENDPOINT", "AUTHORITY"):
            assert name in page
