"""What leaves the house: anchors and certificates."""

from alembic import op

from audit import anchors

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables with their triggers."""
    anchors.create(op.get_bind())


def downgrade() -> None:
    """Remove them."""
    anchors.drop(op.get_bind())
