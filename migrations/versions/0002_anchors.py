"""What leaves the house: anchors and certificates."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled in by the change that brings these tables."""


def downgrade() -> None:
    """The way back."""
