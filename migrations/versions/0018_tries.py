"""How often a due case was tried: what is tried again waits longer each time, whoever carries it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, at none."""
    op.add_column("offboarding_case", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("offboarding_case", "tries")
