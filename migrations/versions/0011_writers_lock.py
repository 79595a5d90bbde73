"""The writers' lock is a row of the trail's, which only a writer may hold."""

from alembic import op
from sqlalchemy import text

from audit import lock

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_WRITERS = text(
    "SELECT DISTINCT quote_ident(grantee) FROM information_schema.role_table_grants"
    " WHERE table_name = 'audit_entry' AND privilege_type = 'INSERT' AND grantee <> current_user"
)


def upgrade() -> None:
    """Make it, and let whoever may append hold it."""
    connection = op.get_bind()
    lock.create(connection)
    if connection.dialect.name == "postgresql":
        for role in connection.execute(_WRITERS).scalars().all():
            connection.exec_driver_sql(f"GRANT SELECT, UPDATE ON audit_lock TO {role}")


def downgrade() -> None:
    """Leave it: the trail's own table goes with the trail."""
