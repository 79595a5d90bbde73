"""By which names an account was asked for in a log, and which readings only look for what came late."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty: a reading under way learns its names at its next page that asks by name."""
    op.add_column("activity_collection", sa.Column("names", sa.JSON(), nullable=True))
    op.add_column("activity_collection", sa.Column("again", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("activity_collection", "again")
    op.drop_column("activity_collection", "names")
