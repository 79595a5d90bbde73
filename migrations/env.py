"""Alembic's way in: the caller gives a connection inside its own transaction."""

from alembic import context

from models.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
