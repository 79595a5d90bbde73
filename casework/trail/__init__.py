"""The sealed trail: its keys, its anchors, and the keys that a verifier trusts."""
