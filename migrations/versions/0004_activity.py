"""Evidence files, their keys, and what was collected from the vendors' logs."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled in by the change that brings these tables."""


def downgrade() -> None:
    """The way back."""
