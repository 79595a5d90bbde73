"""Why an account is thought to be the leaver's is said in codes; the sentence beside them goes."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop it."""
    op.drop_column("account", "text")


def downgrade() -> None:
    """Add it, empty."""
    op.add_column("account", sa.Column("text", sa.String(), nullable=False, server_default=""))
