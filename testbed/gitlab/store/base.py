"""The database: engine, transactions, and what all tables have in common."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, DateTime, Engine, MetaData, TypeDecorator, create_engine, event, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from testbed.gitlab.core.clock import now

__all__ = ["Base", "Database", "Moment", "SchemaError", "Stamped"]

SCHEMA = 2
"""Number of the table layout; a file with another number is refused. Tables that are new beside the old ones leave it
as it is: a file without them gets them when it is opened."""


class SchemaError(Exception):
    """The database file was written by another version."""


class Moment(TypeDecorator[datetime]):
    """A point in time. SQLite knows no time zones, so UTC goes in and UTC comes out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To the database."""
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        return value.replace(tzinfo=UTC) if value else None


class Base(DeclarativeBase):
    """Base of all tables. Numbers of deleted rows are never given out again, as in GitLab."""

    metadata = MetaData(
        naming_convention={"ix": "ix_%(column_0_label)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
    )
    type_annotation_map = {  # noqa: RUF012
        datetime: Moment,
        dict[str, Any]: JSON,
        list[dict[str, Any]]: JSON,
        list[str]: JSON,
        list[int]: JSON,
    }

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)

    @classmethod
    def __init_subclass__(cls, **kwargs: Any) -> None:
        if cls.__dict__.get("__tablename__"):
            arguments = cls.__dict__.get("__table_args__", ())
            cls.__table_args__ = (*arguments, {"sqlite_autoincrement": True})
        super().__init_subclass__(**kwargs)


class Stamped:
    """Rows that know when they were made and changed."""

    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Database:
    """One SQLite file. Readers run side by side; writers take turns."""

    def __init__(self, path: Path) -> None:
        self._engine = _engine(path)
        self._writing = threading.RLock()
        with self._engine.begin() as connection:
            found = connection.execute(text("PRAGMA user_version")).scalar_one()
            if found not in (0, SCHEMA):
                raise SchemaError(
                    f"database {path}: its layout is number {found}, this version reads number {SCHEMA}; "
                    "remove the data directory (`bighpc testbed down --purge`) and bring the testbed up again"
                )
            Base.metadata.create_all(connection)
            connection.execute(text(f"PRAGMA user_version = {SCHEMA}"))

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on a snapshot; nothing it changes is kept."""
        with Session(self._engine, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that is committed at the end, or rolled back by an exception.

        Writers queue here and not in SQLite: its own waiting is a poll with a limit, and a snapshot that turns out
        stale cannot be upgraded at all.
        """
        with self._writing, Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()


def _engine(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    # Parameters are hidden as an error is logged with its message, and they can be secrets.
    engine = create_engine(
        f"sqlite:///{path}", pool_size=20, max_overflow=40, hide_parameters=True, connect_args={"timeout": 30}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
