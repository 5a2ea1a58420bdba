"""The tables of the state database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import BigInteger, DateTime, Dialect, Index, LargeBinary, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: always UTC."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database: always aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map: ClassVar[dict[type, TypeEngine[datetime]]] = {datetime: UtcDateTime()}


class StreamKeyRow(Base):
    """A stream key: public id, SHA-256 of the secret, never the secret."""

    __tablename__ = "stream_key"

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), index=True)
    label: Mapped[str] = mapped_column(String(80))
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SessionRow(Base):
    """One on-air period of a stream. A row that ended without `admitted_at` was an attempt, never on air."""

    __tablename__ = "session"
    __table_args__ = (
        # Whatever crashes or races, a stream has at most one session that is not over.
        Index(
            "one_open_session",
            "slug",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("latest_session", "slug", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
    client_id: Mapped[int] = mapped_column(BigInteger)
    """nginx's connection number of the publisher; unique until nginx's master starts anew."""
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime]
    """When the state was entered; in `starting`, segments older than this prove nothing."""
    started_at: Mapped[datetime]
    admitted_at: Mapped[datetime | None]
    live_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(80))
    """Why it ended."""


class TickRow(Base):
    """The last proof that the database can be written; one row."""

    __tablename__ = "tick"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
