"""Who else rules over a tenant, kept with the read that told it; which blocks a restore has lifted; the cursors of the trail's readers."""

import sqlalchemy as sa
from alembic import op

from audit import outbox

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("kind_read", sa.Column("administrators", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("entitlement", sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_entitlement_lifted_at", "entitlement", ["lifted_at"])
    outbox.create(op.get_bind())


def downgrade() -> None:
    outbox.drop(op.get_bind())
    op.drop_index("ix_entitlement_lifted_at", "entitlement")
    op.drop_column("entitlement", "lifted_at")
    op.drop_column("kind_read", "administrators")
