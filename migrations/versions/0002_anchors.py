"""What leaves the house: anchors and certificates; and what may not stay in it for ever."""

import sqlalchemy as sa
from alembic import op

from audit import anchors

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CASE = ("held_at", "erased_at")


def upgrade() -> None:
    """Create the tables with their triggers; let a case be held, and erased."""
    anchors.create(op.get_bind())
    for name in CASE:
        op.add_column("offboarding_case", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Remove them."""
    for name in reversed(CASE):
        op.drop_column("offboarding_case", name)
    anchors.drop(op.get_bind())
