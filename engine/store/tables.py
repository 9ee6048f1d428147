"""The tables as they stand after the newest migration. Times are seconds since 1970, UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("spec_hash", String(16), nullable=False),
    Column("spec", Text, nullable=False),
    Column("method", String(16), nullable=False),
    Column("model", String(200), nullable=False),
    Column("task", String(200), nullable=False),
    Column("device", String(16), nullable=False),
    Column("dtype", String(8), nullable=False),
    Column("keep_model", Boolean, nullable=False),
    Column("pinned", Boolean, nullable=False, default=False),
    Column("state", String(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Column("cancel_asked", Float),
    Column("attempts", Integer, nullable=False, default=0),
    Column("worker_pid", Integer),
    Column("worker_token", String(100)),
    Column("sentence", Text, nullable=False, default=""),
    Column("remedy", Text, nullable=False, default=""),
    Column("result", Text),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("artifacts_removed", Float),
    Index("runs_by_spec", "spec_hash", "device", "dtype"),
    Index("runs_by_state", "state", "created"),
)

events = Table(
    "events",
    metadata,
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("json", Text, nullable=False),
)

answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("learner", String(64), nullable=False),
    Column("question_id", String(64), nullable=False),
    Column("variant_seed", Integer),
    Column("chosen", Text, nullable=False),
    Column("credit", Float, nullable=False),
    Column("confidence", Integer),
    Column("hints", Integer, nullable=False, default=0),
    Column("seconds", Float),
    Column("page", String(64), nullable=False, default=""),
    Column("at", Float, nullable=False),
    Column("undone_at", Float),
    Index("answers_by_learner", "learner", "question_id", "at"),
)

predictions = Table(
    "predictions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("learner", String(64), nullable=False),
    Column("page", String(64), nullable=False),
    Column("spec_hash", String(16)),
    Column("run_id", String(16)),
    Column("value", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("outcome", Text),
    Column("score", Float),
    Column("scored_at", Float),
    Index("predictions_by_learner", "learner", "page", "at"),
)

settings = Table(
    "settings",
    metadata,
    Column("learner", String(64), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", Float, nullable=False),
)
