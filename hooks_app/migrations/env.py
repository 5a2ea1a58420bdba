"""Alembic's entry: migrates over the connection that `Database.migrate` hands in."""

from __future__ import annotations

from alembic import context

from hooks_app import announcement_tables, recording_tables  # noqa: F401  (their tables are Base's too)
from hooks_app.table_base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter most things in place; batch mode copies the table.
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
