"""TOML -> `Pack`, every problem told at once, each as one sentence with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from typing import Any

from engine.contracts import SpecError
from quizzes.places import Path, line_of
from quizzes.reader import Reader
from quizzes.schema import (
    KINDS,
    PARTS,
    Body,
    Chart,
    Draw,
    Match,
    Mistake,
    Number,
    Option,
    Order,
    Pack,
    Pair,
    Pick,
    Question,
    Recall,
    Series,
)
from quizzes.units import find_unit

MAX_BYTES = 1_000_000
MAX_QUESTIONS = 300
MAX_PROBLEMS = 20
MAX_ID = 48
_MAX_DEPTH = 200
_MAX_LINE = 20_000
_MOST_DRAWN = 50
_HEADER_LINE = re.compile(r"\[\[?[A-Za-z][\w.\-]*\]\]?\s*")
_ID = re.compile(r"[a-z0-9]+(?:[-/][a-z0-9]+)*")
_SCALAR = (str, int, float)
_COMMON = {
    "id": str,
    "kind": str,
    "stem": str,
    "part": str,
    "source": str,
    "explanation": str,
    "hints": list,
    "listing": str,
    "language": str,
    "chart": dict,
    "run": str,
    "draw": dict,
    "opening": int,
}
_BODY_FIELDS: dict[str, dict[str, type]] = {
    "pick": {"option": list},
    "number": {"answer": str, "unit": str, "tolerance": float, "right": str, "wrong": str, "mistake": list},
    "order": {"item": list},
    "match": {"pair": list},
    "recall": {"model_answer": str, "point": list},
}
_BODIES = {"choice": "pick", "choices": "pick", "number": "number", "order": "order", "match": "match", "recall": "recall"}


def read_pack(text: str, file: str, misconceptions: Collection[str], pages: dict[str, str] | None = None) -> Pack:
    """Read one file of questions.

    Args:
        text: The TOML.
        file: Name used in messages.
        misconceptions: Ids that wrong options may carry.
        pages: Lesson -> page address; None where a pack belongs to no lesson (a teacher's).

    Raises:
        SpecError: with up to 20 problems, each naming file, line, field, value and remedy.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise SpecError(f"{file}, line 1: the file is larger than {MAX_BYTES:,} bytes; split it into several packs")
    data = _parse(text, file)
    reader = Reader(text, file, misconceptions)
    reader.unknown(data, (), ("pack", "question"))
    head = reader.get(data, (), "pack", dict)
    reader.unknown(head, ("pack",), ("name", "title"))
    name, title = reader.get(head, ("pack",), "name", str), reader.get(head, ("pack",), "title", str)
    if name and not _ID.fullmatch(name):
        reader.problem(("pack", "name"), f"name = {name[:40]!r} must be lower-case words with hyphens between them")
    page = (pages or {}).get(name, "")
    if pages is not None and name and not page:
        reader.problem(("pack", "name"), f"name = {name[:40]!r} is no lesson; use one of {', '.join(pages)}")
    questions = [_question(reader, entry, path, name, page) for entry, path in reader.tables(data, (), "question", 1, MAX_QUESTIONS)]
    _distinct(reader, questions)
    if reader.problems:
        raise SpecError(*reader.problems[:MAX_PROBLEMS])
    return Pack(name, title, tuple(questions))


def _parse(text: str, file: str) -> dict[str, Any]:
    _refuse_bombs(text, file)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at (?:line (\d+), column \d+|end of document)\)", str(error))
        line = found[1] if found and found[1] else str(text.count("\n") + 1)
        reason = re.sub(r"\s*\(at .*", "", str(error))
        raise SpecError(f"{file}, line {line}: this is no TOML ({reason}); see toml.io for the rules") from None
    except (RecursionError, ValueError) as error:
        raise SpecError(f"{file}, line 1: this cannot be read as TOML ({str(error)[:80]})") from None


def _refuse_bombs(text: str, file: str) -> None:
    """tomllib recurses into brackets, and patterns slow down on endless lines: both are refused before anything is parsed."""
    depth = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > _MAX_LINE:
            raise SpecError(
                f"{file}, line {number}: the line has {len(line):,} characters; at most {_MAX_LINE:,}, so write it on several lines"
            )
        opened = line.count("[") + line.count("{")
        # brackets in prose need not be closed; a header ends whatever they were counted for
        depth = 0 if _HEADER_LINE.fullmatch(line) else max(0, depth + opened - line.count("]") - line.count("}"))
        if opened > _MAX_DEPTH or depth > _MAX_DEPTH or line.partition("=")[0].count(".") > _MAX_DEPTH:
            raise SpecError(f"{file}, line {number}: nested too deeply; a pack needs no more than three levels")


def _question(reader: Reader, table: dict[str, Any], path: Path, lesson: str, page: str) -> Question:
    kind = reader.get(table, path, "kind", str)
    if kind and kind not in KINDS:
        reader.problem((*path, "kind"), f"kind = {kind[:40]!r} is not one of {', '.join(KINDS)}")
    form = _BODIES.get(kind) or ("number" if "answer" in table else "pick")
    reader.unknown(table, path, {*_COMMON, *_BODY_FIELDS[form]})
    identity = reader.get(table, path, "id", str)
    if identity and (not _ID.fullmatch(identity) or len(identity) > MAX_ID):
        reader.problem(
            (*path, "id"), f"id = {identity[:40]!r} must be lower-case words with hyphens between them, at most {MAX_ID} characters"
        )
    part = reader.get(table, path, "part", str, "quiz")
    if part not in PARTS:
        reader.problem((*path, "part"), f"part = {part[:40]!r} is not one of {', '.join(PARTS)}")
    hints = reader.get(table, path, "hints", list, [])
    if not all(isinstance(hint, str) for hint in hints) or len(hints) > 2:
        reader.problem((*path, "hints"), "hints must be at most two texts")
        hints = []
    question = Question(
        id=identity,
        lesson=lesson,
        kind=kind,
        stem=reader.get(table, path, "stem", str),
        body=_body(reader, table, path, kind, form),
        part=part,
        page=page,
        source=reader.get(table, path, "source", str),
        explanation=reader.get(table, path, "explanation", str, ""),
        hints=tuple(reader.text(hint, (*path, "hints")) for hint in hints),
        listing=reader.get(table, path, "listing", str, "").strip("\n"),
        language=reader.get(table, path, "language", str, "text"),
        chart=_chart(reader, table["chart"], (*path, "chart")) if isinstance(table.get("chart"), dict) else None,
        run=reader.get(table, path, "run", str, ""),
        draw=_draw(reader, reader.get(table, path, "draw", dict, {}), (*path, "draw")),
        opening=reader.get(table, path, "opening", int, 0),
        line=line_of(reader.places, path),
    )
    _needs(reader, question, path)
    return question


def _needs(reader: Reader, question: Question, path: Path) -> None:
    """What a kind cannot do without."""
    if question.kind == "fault" and not question.listing:
        reader.problem(path, "listing is missing; a question of kind fault shows a configuration, a log or code")
    if question.kind == "chart" and question.chart is None:
        reader.problem(path, "chart is missing; a question of kind chart shows one")
    if question.kind == "predict" and not question.run:
        reader.problem(path, "run is missing; a prediction names the address of the run that settles it")
    if question.run and not re.fullmatch(r"/[\w/\-]+(?:\?[\w=&.,%{}+\-]*)?(?:#\w+)?", question.run):
        reader.problem((*path, "run"), f"run = {question.run[:40]!r} must be an address of this app, such as /lora?rank=8#run")


def _body(reader: Reader, table: dict[str, Any], path: Path, kind: str, form: str) -> Body:
    match form:
        case "number":
            return _number(reader, table, path)
        case "order":
            return Order(tuple(_options(reader, table, path, "item", 3)))
        case "match":
            return Match(tuple(_pairs(reader, table, path)))
        case "recall":
            return Recall(reader.get(table, path, "model_answer", str), tuple(_options(reader, table, path, "point", 2)))
    options = _options(reader, table, path, "option", 2)
    right = sum(option.correct for option in options)
    several = kind == "choices"
    if options and (right == 0 or (right > 1 and not several)):
        wanted = "at least one" if several else "exactly one"
        reader.problem((*path, "option"), f"{right} options are correct; mark {wanted} with correct = true")
    return Pick(tuple(options), several)


def _options(reader: Reader, table: dict[str, Any], path: Path, name: str, least: int) -> list[Option]:
    options = []
    for index, (entry, place) in enumerate(reader.tables(table, path, name, least)):
        reader.unknown(entry, place, ("text", "feedback", "correct", "misconception"))
        text, feedback = reader.get(entry, place, "text", str), reader.get(entry, place, "feedback", str)
        if "feedback" in entry and not feedback:
            reader.problem((*place, "feedback"), "feedback is empty; say why this choice is right or wrong")
        correct = reader.get(entry, place, "correct", bool, False)
        options.append(Option(_letter(index), text, feedback, correct, _misconception(reader, entry, place)))
    texts = [option.text for option in options]
    if name == "option" and len(set(texts)) < len(texts):
        reader.problem((*path, name), "two options have the same text; make them different")
    return options


def _letter(index: int) -> str:
    return chr(ord("a") + index)


def _pairs(reader: Reader, table: dict[str, Any], path: Path) -> list[Pair]:
    pairs = []
    for index, (entry, place) in enumerate(reader.tables(table, path, "pair", 2)):
        reader.unknown(entry, place, ("left", "right", "feedback", "misconception"))
        left, right, feedback = (reader.get(entry, place, name, str) for name in ("left", "right", "feedback"))
        pairs.append(Pair(_letter(index), left, right, feedback, _misconception(reader, entry, place)))
    if len({pair.right for pair in pairs}) < len(pairs) or len({pair.left for pair in pairs}) < len(pairs):
        reader.problem((*path, "pair"), "two pairs share a side; each left and each right may stand only once")
    return pairs


def _number(reader: Reader, table: dict[str, Any], path: Path) -> Number:
    mistakes = []
    for entry, place in reader.tables(table, path, "mistake", 0) if "mistake" in table else []:
        reader.unknown(entry, place, ("value", "feedback", "misconception"))
        value, feedback = reader.get(entry, place, "value", str), reader.get(entry, place, "feedback", str)
        mistakes.append(Mistake(value, feedback, _misconception(reader, entry, place)))
    unit = reader.get(table, path, "unit", str, "")
    if find_unit(unit) is None:
        reader.problem(
            (*path, "unit"), f"unit = {unit[:40]!r} is not known; use for example MB, GiB, %, parameters, tokens, s or leave it out"
        )
    tolerance = reader.get(table, path, "tolerance", float, 0.02)
    if not 0 <= tolerance <= 0.5:
        reader.problem((*path, "tolerance"), f"tolerance = {tolerance} must be 0 to 0.5, as a share of the answer")
    fields = {name: reader.get(table, path, name, str) for name in ("answer", "right", "wrong")}
    return Number(unit=unit, tolerance=float(tolerance), mistakes=tuple(mistakes), **fields)


def _misconception(reader: Reader, entry: dict[str, Any], path: Path) -> str | None:
    name: str | None = reader.get(entry, path, "misconception", str, None)
    if name is not None and name not in reader.known:
        reader.problem((*path, "misconception"), f"misconception = {name[:40]!r} is not in the list of misconceptions")
    return name


def _draw(reader: Reader, table: dict[str, Any], path: Path) -> Draw:
    reader.unknown(table, path, ("rows", "lists", "compute"))
    rows = reader.get(table, path, "rows", list, [])
    lists = reader.get(table, path, "lists", dict, {})
    compute = reader.get(table, path, "compute", dict, {})
    if not all(isinstance(row, dict) and row.keys() == rows[0].keys() and _scalars(row.values()) for row in rows):
        reader.problem((*path, "rows"), "rows must be tables of texts and numbers with the same names in each")
        rows = []
    if not all(isinstance(values, list) and values and _scalars(values) for values in lists.values()):
        reader.problem((*path, "lists"), "lists must hold lists of texts or numbers, none of them empty")
        lists = {}
    if not all(isinstance(formula, str) for formula in compute.values()):
        reader.problem((*path, "compute"), 'compute must hold formulas as texts, such as size = "rank * width"')
        compute = {}
    if max(len(rows), len(lists), len(compute), *map(len, lists.values()), 0) > _MOST_DRAWN:
        reader.problem(path, f"rows, lists, each list and compute may have at most {_MOST_DRAWN} entries")
        rows, lists, compute = [], {}, {}
    for value in [value for row in rows for value in row.values()] + [value for values in lists.values() for value in values]:
        if isinstance(value, str):
            reader.text(value, path)
    return Draw(tuple(dict(row) for row in rows), {name: tuple(values) for name, values in lists.items()}, dict(compute))


def _scalars(values: Collection[Any]) -> bool:
    return all(isinstance(value, _SCALAR) and not isinstance(value, bool) for value in values)


def _chart(reader: Reader, table: dict[str, Any], path: Path) -> Chart:
    reader.unknown(table, path, ("style", "title", "x_title", "y_title", "series", "log_x", "log_y"))
    series = []
    for entry, place in reader.tables(table, path, "series", 1):
        reader.unknown(entry, place, ("name", "x", "y"))
        x, y = reader.get(entry, place, "x", list), reader.get(entry, place, "y", list)
        if len(x) != len(y) or not x or len(x) > 500 or not _scalars(x) or not _scalars(y):
            reader.problem(place, f"x has {len(x)} entries and y has {len(y)}; give both the same number of numbers, 1 to 500")
            continue
        series.append(Series(reader.get(entry, place, "name", str), tuple(x), tuple(str(value) for value in y)))
    style = reader.get(table, path, "style", str)
    if style not in ("", "line", "bar"):
        reader.problem((*path, "style"), f"style = {style[:40]!r} is not one of line, bar")
    titles = [reader.get(table, path, name, str) for name in ("title", "x_title", "y_title")]
    logs = [reader.get(table, path, name, bool, False) for name in ("log_x", "log_y")]
    return Chart(style, titles[0], titles[1], titles[2], tuple(series), logs[0], logs[1])


def _distinct(reader: Reader, questions: list[Question]) -> None:
    first: dict[str, int] = {}
    for index, question in enumerate(questions):
        if question.id and question.id in first:
            where = line_of(reader.places, ("question", first[question.id]))
            reader.problem(("question", index, "id"), f"id = {question.id!r} was used before, in line {where}; ids are never used twice")
        first.setdefault(question.id, index)
