"""A teacher's own questions: checked, named apart from the course's, kept in a folder of their own, removable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from engine.contracts import SpecError
from quizzes.bank import misconceptions
from quizzes.lint import lint
from quizzes.read import MAX_BYTES, read_pack
from quizzes.schema import PAGES, Pack, Question
from quizzes.variants import all_variants

MAX_PACKS = 50
_MAX_NAME = 20
_MAX_FULL_ID = 64
"""What a store keeps of a question's id."""


class Checked(NamedTuple):
    """A pack that may be kept, and what its author might still mend."""

    pack: Pack
    advice: tuple[str, ...]


def check_pack(data: bytes, file: str) -> Checked:
    """Read an uploaded file.

    Its questions get ids "pack/id", so that they never meet the course's.

    Raises:
        SpecError: each problem with file and line.
    """
    if len(data) > MAX_BYTES:
        raise SpecError(f"{file}, line 1: the file has {len(data):,} bytes; at most {MAX_BYTES:,} are read, so split it into several packs")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SpecError(f"{file}, line {line}: this is not UTF-8 text; save the file as UTF-8") from None
    pack = read_pack(text, file, misconceptions())
    problems = [*_name_problems(pack, file), *_drawn_problems(pack, file)]
    if problems:
        raise SpecError(*problems[:20])
    named = tuple(replace(question, id=f"{pack.name}/{question.id}") for question in pack.questions)
    kept = Pack(pack.name, pack.title, named)
    return Checked(kept, tuple(lint([kept])))


def keep_pack(data: bytes, file: str, folder: Path) -> Checked:
    """Check a file and keep it under its pack's name; a pack of that name is replaced. Raises SpecError as `check_pack` does."""
    checked = check_pack(data, file)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{checked.pack.name}.toml"
    if not path.exists() and len(list(folder.glob("*.toml"))) >= MAX_PACKS:
        raise SpecError(f"there are {MAX_PACKS} packs already; remove one first")
    beside = folder / f"{checked.pack.name}.{uuid4().hex}.part"
    beside.write_bytes(data)
    beside.replace(path)  # a crash leaves the old pack or the new one, never half of one
    return checked


def kept_packs(folder: Path) -> tuple[Pack, ...]:
    """All packs in the folder that can be read; a file that somebody broke by hand is left out."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        try:
            found.append(check_pack(path.read_bytes(), path.name).pack)
        except (SpecError, OSError):
            continue
    return tuple(found)


def remove_pack(name: str, folder: Path) -> bool:
    """Remove a pack. Answers that were given to it stay in the log. False where there is none of that name."""
    path = folder / f"{name}.toml"
    if path not in folder.glob("*.toml"):
        return False
    path.unlink(missing_ok=True)
    return True


def questions_of(packs: Iterable[Pack]) -> dict[str, Question]:
    """Id -> question."""
    return {question.id: question for pack in packs for question in pack.questions}


def _name_problems(pack: Pack, file: str) -> list[str]:
    problems = []
    if pack.name in PAGES or len(pack.name) > _MAX_NAME or "/" in pack.name:
        problems.append(
            f"{file}, line 1: name = {pack.name[:40]!r} must have at most {_MAX_NAME} characters, no slash, and be no lesson's name"
        )
    for question in pack.questions:
        if len(pack.name) + 1 + len(question.id) > _MAX_FULL_ID or "/" in question.id:
            problems.append(f"{file}, line {question.line}: id = {question.id[:40]!r} must be shorter, and without a slash")
    return problems


def _drawn_problems(pack: Pack, file: str) -> list[str]:
    """Formulas and slots are only known to work once they were worked out."""
    problems = []
    for question in pack.questions:
        try:
            for _ in all_variants(question, limit=100):
                pass
        except ValueError as error:
            problems.append(f"{file}, line {question.line}: {question.id}: {error}")
    return problems
