"""The page for auditors and the steps of the code speak of the same things."""

from __future__ import annotations

from audit.verify import Step
from tests.audit.attacks import ATTACKS
from tests.audit.outside_bundle import PAGE, blocks

KNOWN = {"sha256sum", "cosign", "openssl", "jq", "go", "spicy-torchwood"}


class TestPage:
    def test_steps(self) -> None:
        """Each step has lines to run that need only well-known tools."""
        prelude, found = blocks(PAGE.read_text("utf-8"))
        assert "set -euo pipefail" in prelude
        assert {block.step for block in found} == set(Step)
        assert {tool for block in found for tool in block.tools} <= KNOWN

    def test_attacks(self) -> None:
        """Each combination of steps that an attack is noticed by stands in the page's table."""
        table = PAGE.read_text("utf-8").partition("## Which step notices what")[2].partition("## What no")[0]
        for attack in ATTACKS.values():
            assert ", ".join(str(step) for step in sorted(attack.steps)) in table
