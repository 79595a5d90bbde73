"""The sealed trail: its keys, its anchors, and whom a verifier trusts."""
