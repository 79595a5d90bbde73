"""The page for auditors and the steps of the code speak of the same things."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import certificate_keys
from audit.leaf import LOG_CASE
from audit.verify import VerifyStep, verify
from tests.audit.attacks import ATTACKS
from tests.audit.house import House
from tests.audit.outside_bundle import PAGE, blocks
from tests.audit.test_verify_trust import rotated

KNOWN = {"sha256sum", "cosign", "openssl", "jq", "go", "spicy-torchwood"}


class TestKeys:
    @pytest.mark.parametrize("change", ["both sign", "the newer alone signs", "a newer certificate's key"])
    def test_the_lines_hold_after_a_change_of_keys(self, tmp_path: Path, change: str) -> None:
        """Whichever of the keys the auditor was given last: the lines as they are printed open head, events and certificate."""
        house = House(tmp_path)
        new, old = rotated(house, tmp_path)
        house.work()
        if change == "the newer alone signs":
            house.tell("log.key_retired", LOG_CASE, vkey=old.verifier.vkey)
            house.signers = [new]
            house.anchor()
        trust = house.trust(tmp_path / "trust")
        if change == "a newer certificate's key":
            (trust / "case-2026.pub.pem").write_bytes((trust / "case.pub.pem").read_bytes())
            house.case_key = certificate_keys.open_or_create(tmp_path / "case-2.key")
            (trust / "case.pub.pem").write_bytes(certificate_keys.public_pem(house.case_key.public_key))
        (trust / "log.vkey").write_text(f"{new.verifier.vkey}\n{old.verifier.vkey}\n")
        house.export(tmp_path / "bundle")
        assert verify(tmp_path / "bundle", trust).faults == []
        prelude, found = blocks(PAGE.read_text("utf-8"))
        broken = [one.step for one in found if not one.missing and not one.holds(tmp_path, prelude)[0]]
        assert broken == []


class TestPage:
    def test_steps(self) -> None:
        """Each step has lines to run that need only well-known tools."""
        prelude, found = blocks(PAGE.read_text("utf-8"))
        assert "set -euo pipefail" in prelude
        assert {block.step for block in found} == set(VerifyStep)
        assert {tool for block in found for tool in block.tools} <= KNOWN

    def test_attacks(self) -> None:
        """Each combination of steps that an attack is noticed by stands in the page's table."""
        table = PAGE.read_text("utf-8").partition("## Which step notices what")[2].partition("## What no")[0]
        for attack in ATTACKS.values():
            assert ", ".join(str(step) for step in sorted(attack.steps)) in table
