"""Confidentiality papers and pledges."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled in by the change that brings these tables."""


def downgrade() -> None:
    """The way back."""
