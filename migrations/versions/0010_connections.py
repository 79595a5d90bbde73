"""What was a service's is a connection's: a vendor may be connected more than once."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = (
    "account", "account_link", "directory_numbers", "search", "entitlement", "kind_read", "finding", "question", "waiver",
    "activity_collection", "activity_aftermath",
)  # fmt: skip


def upgrade() -> None:
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN service TO connection")
    op.execute("ALTER TABLE offboarding_case RENAME COLUMN services TO connections")


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN connection TO service")
    op.execute("ALTER TABLE offboarding_case RENAME COLUMN connections TO services")
