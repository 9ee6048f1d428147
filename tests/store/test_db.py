"""The database itself: opened by many at once, full, damaged, newer, elsewhere."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from engine.contracts import RunError
from engine.store import answers, db
from engine.store.tables import metadata

MIGRATIONS = Path(db.__file__).parent / "migrations"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    monkeypatch.delenv("DELTALAB_DATABASE_URL", raising=False)
    return tmp_path


def python(code: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def test_migrations_make_the_tables_that_the_code_uses(home: Path) -> None:
    with db.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == db.SCHEMA
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == db.BUSY_SECONDS * 1000
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [db.SCHEMA]


def test_opening_again_changes_nothing(home: Path) -> None:
    saved = answers.save("ada", "q1", "b", 1.0)
    db._engine.cache_clear()
    assert [row.id for row in answers.history("ada")] == [saved]


def test_many_processes_open_an_empty_folder_at_once(home: Path) -> None:
    code = "import engine.store as s; s.answers.save('ada', 'q', 1, 1.0)"
    starting = [python(code) for _ in range(6)]
    assert [(process.communicate()[1], process.returncode) for process in starting] == [("", 0)] * 6
    assert len(answers.history("ada")) == 6


def test_kill_9_loses_no_answer(home: Path) -> None:
    code = "import engine.store as s\nwhile True: print(s.answers.save('ada', 'q', 1, 1.0), flush=True)"
    with python(code) as saving:
        told = [saving.stdout.readline() for _ in range(20)]
        saving.kill()
        told += saving.stdout.readlines()
    kept = {row.id for row in answers.history("ada")}
    assert {int(line) for line in told if line.endswith("\n")} <= kept
    assert sqlite3.connect(home / "delta.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_answers_wait_for_the_disk_and_events_do_not(home: Path) -> None:
    levels = {}
    for durable in (True, False, True):
        with db.write(durable=durable) as connection:
            levels[durable] = connection.execute(text("PRAGMA synchronous")).scalar()
    assert levels == {True: 2, False: 1}, "FULL and NORMAL, https://sqlite.org/pragma.html#pragma_synchronous"


def test_a_write_is_all_or_nothing(home: Path) -> None:
    with pytest.raises(KeyError), db.write() as connection:
        connection.execute(text("INSERT INTO settings VALUES ('ada', 'k', '1', 0)"))
        raise KeyError
    with db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM settings")).scalar() == 0


def test_writers_wait_for_each_other_and_readers_for_nobody(home: Path) -> None:
    answers.save("ada", "q", 1, 1.0)
    with db.write() as connection:
        connection.execute(text("INSERT INTO settings VALUES ('ada', 'k', '1', 0)"))
        assert len(answers.history("ada")) == 1
        other = sqlite3.connect(home / "delta.db", timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_a_full_disk_is_a_sentence_and_loses_nothing(home: Path) -> None:
    first = answers.save("ada", "q", 1, 1.0)
    with pytest.raises(RunError, match=r"The disk that holds sqlite:.*delta\.db is full\.") as caught, db.write() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
        connection.execute(text(f"PRAGMA max_page_count={pages}"))
        connection.execute(text("INSERT INTO settings VALUES ('ada', 'k', :big, 0)"), {"big": "x" * 100_000})
    assert "Free some space" in caught.value.remedy
    db._engine.cache_clear()
    second = answers.save("ada", "q", 1, 1.0)
    assert [row.id for row in answers.history("ada")] == [first, second]


def test_a_damaged_file_is_a_sentence(home: Path) -> None:
    (home / "delta.db").write_bytes(b"this is no database at all, but it is long enough to be read as one" * 100)
    with pytest.raises(RunError, match="is damaged or no database"):
        answers.history("ada")


def test_a_newer_schema_is_refused_and_left_alone(home: Path) -> None:
    answers.save("ada", "q", 1, 1.0)
    with db.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    db._engine.cache_clear()
    with pytest.raises(RunError, match="newer Delta Lab .its schema is 9999, this one knows"):
        answers.history("ada")


def test_the_url_points_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = home / "other place" / "50% of it.db"
    other.parent.mkdir()
    monkeypatch.setenv("DELTALAB_DATABASE_URL", f"sqlite:///{other}")
    answers.save("ada", "q", 1, 1.0)
    assert other.exists()
    assert not (home / "delta.db").exists()
    assert db.lock_path("supervisor").parent == other.parent


def test_two_databases_have_two_locks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = set()
    for url in ("sqlite:////a/x.db", "sqlite:////a/y.db", "postgresql://me:secret@host/one", "postgresql://me:secret@host/two"):
        monkeypatch.setenv("DELTALAB_DATABASE_URL", url)
        paths.add(str(db.lock_path("supervisor")))
    assert len(paths) == 4
    assert "secret" not in "".join(paths)


@pytest.mark.parametrize("url", ["no url", "nosuchdatabase://user:secret@here/there"])
def test_a_url_that_cannot_be_opened_is_a_sentence_without_the_password(home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DELTALAB_DATABASE_URL", url)
    with pytest.raises(RunError, match="DELTALAB_DATABASE_URL=.* names no database that can be opened") as caught:
        answers.history("ada")
    assert "secret" not in str(caught.value)


def test_a_folder_that_is_not_there_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELTALAB_DATABASE_URL", f"sqlite:///{home}/nowhere/delta.db")
    with pytest.raises(RunError, match="cannot be written"):
        answers.history("ada")


def test_the_store_and_jobs_bring_no_torch_and_little_else() -> None:
    code = "import sys, engine.jobs, engine.store; print([m for m in ('torch', 'transformers', 'numpy', 'alembic', 'streamlit') if m in sys.modules])"
    with python(code) as imported:
        assert imported.communicate() == ("[]\n", "")
