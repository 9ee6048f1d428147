"""The database: opened, brought up to date and handed out as transactions.

SQLite in WAL mode, so that pages read while a worker writes. A commit is handed to the operating system before it
returns, so `kill -9` of any process loses nothing that was committed. `durable=True` also waits for the disk
(synchronous=FULL) and so survives a power cut: for what a person typed. Events of a run do without: a run does not
survive a power cut either, and waiting for the disk at every step would slow it.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from engine.contracts import RunError
from engine.home import data_home
from engine.store.lock import locked

SCHEMA = "0001"
"""Newest migration in `migrations/versions`; a test holds the two together."""
BUSY_SECONDS = 15
"""How long a write waits for another process's write."""


def database_url() -> str:
    """DELTALAB_DATABASE_URL, or delta.db in the data folder."""
    return os.environ.get("DELTALAB_DATABASE_URL") or f"sqlite:///{data_home() / 'delta.db'}"


def lock_path(name: str) -> Path:
    """A lock file that every process of this machine that uses this database agrees on: beside it, where it is a file."""
    url = database_url()
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _bad_url(url) from None
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        return Path(f"{Path(parsed.database).absolute()}.{name}.lock")
    return data_home() / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}.{name}.lock"


@contextmanager
def read() -> Iterator[Connection]:
    """A connection for reading; what was read is one consistent view. Raises RunError in plain words."""
    try:
        with _engine(database_url()).connect() as connection:
            yield connection
    except DBAPIError as error:
        raise explain(error) from error


@contextmanager
def write(durable: bool = False) -> Iterator[Connection]:
    """A transaction: all of it or nothing. No other process writes between its first read and its commit.

    Raises:
        RunError: the database is full, locked for too long, read-only or damaged.
    """
    try:
        engine = _engine(database_url()).execution_options(deltalab_write="FULL" if durable else "NORMAL")
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise explain(error) from error


def explain(error: DBAPIError) -> RunError:
    """What went wrong with the database, for a person."""
    reason = str(error.orig)
    where = make_url(database_url()).render_as_string(hide_password=True)
    if "full" in reason:
        return RunError(f"The disk that holds {where} is full.", "Free some space and try again; what was saved before is safe.")
    if "locked" in reason or "busy" in reason:
        return RunError(
            f"The database {where} stayed busy for {BUSY_SECONDS} s.", "Try again; if it lasts, close other programs that use it."
        )
    if "readonly" in reason or "unable to open" in reason:
        return RunError(f"The database {where} cannot be written.", "Check that its folder exists and is yours to write.")
    if "malformed" in reason or "not a database" in reason:
        return RunError(f"The file behind {where} is damaged or no database.", "Move it away; a new one is made at the next start.")
    return RunError(f"The database {where} refused: {reason}.", "Try again; if it lasts, start the program anew.")


@cache
def _engine(url: str) -> Engine:
    try:
        engine = create_engine(url)
    except (ArgumentError, ImportError):
        raise _bad_url(url) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    if _version(engine) != SCHEMA:
        with locked(lock_path("migrate")):
            _upgrade(engine)
    return engine


def _bad_url(url: str) -> RunError:
    shown = url.split("@")[-1]
    return RunError(
        f"DELTALAB_DATABASE_URL={shown!r:.200} names no database that can be opened.", "Use for example sqlite:////data/delta.db."
    )


def _on_connect(connection: object, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, so that a write takes its lock at once and never half-way
    connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA foreign_keys=ON")


def _on_begin(connection: Connection) -> None:
    synchronous = connection.get_execution_options().get("deltalab_write")
    if synchronous:
        connection.exec_driver_sql(f"PRAGMA synchronous={synchronous}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(engine: Engine) -> None:
    """Bring the schema to SCHEMA. Called under a lock: of many processes that start at once, one does the work."""
    found = _version(engine)
    if found is not None and found > SCHEMA:
        raise RunError(
            f"The database was written by a newer Delta Lab (its schema is {found}, this one knows {SCHEMA}).", "Update Delta Lab."
        )
    if found == SCHEMA:
        return
    from alembic import command  # a tenth of a second that only a first start pays
    from alembic.config import Config

    if engine.dialect.name == "sqlite":
        _use_wal(engine)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with engine.execution_options(deltalab_write="FULL").begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _use_wal(engine: Engine) -> None:
    """Once a file, outside any transaction. SQLite gives up at once, whatever the busy timeout, when another process
    looks into the file just then."""
    connection = engine.raw_connection()
    try:
        for attempt in range(100):
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError:
                if attempt == 99:
                    raise
                time.sleep(0.02)
    finally:
        connection.close()
