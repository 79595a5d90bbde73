"""Who else rules over a tenant is kept with the read that told it; readers of the trail have a cursor each."""

import sqlalchemy as sa
from alembic import op

from audit import outbox

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("kind_read", sa.Column("administrators", sa.JSON(), nullable=False, server_default="[]"))
    outbox.create(op.get_bind())


def downgrade() -> None:
    outbox.drop(op.get_bind())
    op.drop_column("kind_read", "administrators")
