"""A restore may be of one account."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("approval", sa.Column("account_ref", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("approval", "account_ref")
