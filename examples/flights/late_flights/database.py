"""The tables, by SQLAlchemy: the database could be any that it knows.

Apart from the rest so that no other module writes SQL to reach the data, and that one place says
what makes a database the same one as before.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Engine, NullPool, create_engine, text

__all__ = ["Database", "connect", "open_database", "read_rows", "write_table"]


@dataclass(frozen=True)
class Database:
    """A database that exists.

    Attributes:
        url: an SQLAlchemy URL.
        identity: made at random with the database. One that was deleted and made again has
            another, so what was written to the old one has to be written again.
    """

    url: str
    identity: str


def open_database(url: str) -> Database:
    """Make the database unless it is there, and find out which one it is.

    Args:
        url: an SQLAlchemy URL.

    Returns:
        The database.
    """
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS created (identity TEXT NOT NULL)"))
        identity = connection.execute(text("SELECT identity FROM created")).scalar()
        if identity is None:
            identity = uuid.uuid4().hex
            connection.execute(text("INSERT INTO created VALUES (:it)"), {"it": identity})
    return Database(url, identity)


def connect(database: Database) -> Engine:
    """The engine that all nodes of a run share.

    It keeps no connection between nodes (`NullPool`), so there is none to close at the end.
    """
    return create_engine(database.url, poolclass=NullPool)


def read_rows(engine: Engine, query: str) -> pd.DataFrame:
    """The rows that a query gives."""
    with engine.connect() as connection:
        return pd.read_sql_query(text(query), connection)


def write_table(rows: pd.DataFrame, engine: Engine, table: str) -> int:
    """Write rows as a table of the database, in place of what it held.

    Args:
        rows: what to write; the index is left out.
        engine: the database.
        table: the table's name.

    Returns:
        How many rows were written.
    """
    with engine.begin() as connection:
        rows.to_sql(table, connection, if_exists="replace", index=False, chunksize=50_000)
    return len(rows)
