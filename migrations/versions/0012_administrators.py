"""Who else rules over a tenant is kept with the read that told it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("kind_read", sa.Column("administrators", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("kind_read", "administrators")
