"""Findings in Japanese too; what is open is worded anew when its case is assessed."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty."""
    for name in ("text_ja", "remedy_ja"):
        op.add_column("finding", sa.Column(name, sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop them."""
    for name in ("text_ja", "remedy_ja"):
        op.drop_column("finding", name)
