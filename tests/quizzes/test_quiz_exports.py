"""What goes out is read back by other programs: SQLite, Anki's own importer, an XML parser, a CSV reader."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import xml.etree.ElementTree as ET
import zipfile
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from engine.contracts import SpecError
from quizzes import bank
from quizzes.answers import Answer
from quizzes.export import anki, moodle, parts, sheet, table
from quizzes.export.markup import html, mathjax, mathml
from quizzes.history import export_history, import_history
from quizzes.schema import Match, Number, Order, Pick, Recall

PACKS = bank.packs()
SHOWN = [shown for pack in PACKS for shown in parts.exported(pack.questions)]
MOODLE_FRACTIONS = (100, 90, 83.33333, 80, 75, 70, 66.66667, 60, 50, 40, 33.33333, 30, 25, 20, 16.66667, 14.28571, 12.5, 11.11111, 10, 5, 0)
"""The grades that Moodle's importer takes (question/engine/bank.php), and their negatives."""


@pytest.fixture(scope="module")
def apkg(tmp_path_factory):
    path = tmp_path_factory.mktemp("anki") / "questions.apkg"
    path.write_bytes(anki.apkg(PACKS))
    return path


def test_exports_hold_every_question_and_several_draws(apkg):
    assert {shown.question.id for shown in SHOWN} == set(bank.questions())
    assert len({parts.name(shown) for shown in SHOWN}) == len(SHOWN)
    copies = [shown for shown in SHOWN if shown.question.id == "lora-scaling"]
    assert len({shown.question.stem for shown in copies}) == parts.PARAMETRISED_COPIES


def test_apkg_opened_as_sqlite_holds_all_fields_and_tags(apkg, tmp_path):
    zipfile.ZipFile(apkg).extract("collection.anki2", tmp_path)
    connection = sqlite3.connect(tmp_path / "collection.anki2")
    rows = connection.execute("SELECT guid, flds, tags FROM notes").fetchall()
    models = json.loads(connection.execute("SELECT models FROM col").fetchone()[0])
    connection.close()
    titles = {pack.name: pack.title for pack in PACKS}
    found = {guid: (fields.split("\x1f"), tags.split()) for guid, fields, tags in rows}
    assert found == {anki.guid(s): (anki.fields(s, titles[s.question.lesson]), anki.tags(s)) for s in SHOWN}
    assert [field["name"] for field in next(iter(models.values()))["flds"]] == list(anki.FIELDS)


def test_guids_are_the_same_in_every_export():
    assert anki.guid(SHOWN[0]) == anki.guid(SHOWN[0]) and len({anki.guid(s) for s in SHOWN}) == len(SHOWN)
    fixed = next(shown for shown in SHOWN if shown.question.id == "lora-start-unchanged")
    assert anki.guid(fixed) == "s<vC+MGM%["


def test_anki_imports_the_deck_and_a_second_import_updates(apkg, tmp_path):
    from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest

    collection = Collection(str(tmp_path / "collection.anki2"))
    options = ImportAnkiPackageOptions(merge_notetypes=True, update_notes=0, update_notetypes=0)
    try:
        collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(apkg), options=options))
        assert collection.note_count() == len(SHOWN)
        decks = {entry.name for entry in collection.decks.all_names_and_ids()}
        assert {f"Delta Lab::{pack.title}" for pack in PACKS} <= decks
        note = collection.get_note(collection.find_notes("Id:lora-start-unchanged")[0])
        assert r"\(\Delta W = BA\)" in note["Explanation"] and "misconception::lora-zero-both" in note.tags
        second = collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(apkg), options=options))
        assert collection.note_count() == len(SHOWN) and not second.log.new
        card = note.cards()[0]
        assert "Yes. The start is the base itself" in card.answer()
    finally:
        collection.close()


@pytest.fixture(scope="module")
def quiz():
    return ET.fromstring(moodle.moodle_xml(PACKS))


def moodle_questions(quiz):
    return {node.findtext("name/text"): node for node in quiz if node.get("type") != "category"}


def test_moodle_xml_has_the_published_structure(quiz):
    assert quiz.tag == "quiz"
    categories = [node.findtext("category/text") for node in quiz if node.get("type") == "category"]
    assert categories == [f"$course$/top/Delta Lab/{pack.title}" for pack in PACKS]
    for name, node in moodle_questions(quiz).items():
        assert node.get("type") in ("multichoice", "numerical", "matching", "essay"), name
        assert node.find("questiontext").get("format") == "html" and node.findtext("questiontext/text"), name
        assert node.find("generalfeedback/text") is not None and float(node.findtext("defaultgrade")) == 1.0
        assert all(tag.findtext("text") for tag in node.findall("tags/tag"))
        for answer in node.findall("answer"):
            assert any(abs(abs(float(answer.get("fraction"))) - grade) < 1e-4 for grade in MOODLE_FRACTIONS), name
            assert answer.find("feedback/text") is not None


def test_moodle_xml_loses_no_choice_feedback_hint_or_key(quiz):
    found = moodle_questions(quiz)
    assert set(found) == {parts.name(shown) for shown in SHOWN}
    for shown in SHOWN:
        node, body = found[parts.name(shown)], shown.question.body
        assert len(node.findall("hint")) == len(shown.question.hints)
        match body:
            case Pick(options=options):
                answers = node.findall("answer")
                assert [a.findtext("text") for a in answers] == [html(o.text, mathjax) for o in options]
                assert [a.findtext("feedback/text") for a in answers] == [html(o.feedback, mathjax) for o in options]
                assert [float(a.get("fraction")) > 0 for a in answers] == [o.correct for o in options]
                assert node.findtext("single") == ("false" if body.several else "true")
            case Number():
                first = node.find("answer")
                assert float(first.findtext("text")) == shown.answer and first.get("fraction") == "100"
                assert float(first.findtext("tolerance")) == pytest.approx(abs(shown.answer) * body.tolerance)
                assert node.findall("answer")[-1].findtext("text") == "*"
                assert node.findtext("units/unit/unit_name", "") == body.unit
            case Order(items=items):
                assert [s.findtext("answer/text") for s in node.findall("subquestion")] == [str(i + 1) for i in range(len(items))]
            case Match(pairs=pairs):
                assert [s.findtext("answer/text") for s in node.findall("subquestion")] == [p.right for p in pairs]
            case Recall(points=points):
                assert all(html(point.text, mathjax) in node.findtext("graderinfo/text") for point in points)


def test_moodle_units_convert(quiz):
    node = next(node for name, node in moodle_questions(quiz).items() if name.startswith("qlora-weights-bytes"))
    factors = {unit.findtext("unit_name"): float(unit.findtext("multiplier")) for unit in node.findall("units/unit")}
    assert factors["GB"] == 1 and factors["MB"] == 1000 and factors["GiB"] == pytest.approx(1e9 / 2**30)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in ("br", "meta", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_sheet_is_well_formed_without_scripts_and_has_the_key_on_a_page_of_its_own():
    text = sheet.sheets(PACKS, seed=3)
    reader = _Tags()
    reader.feed(text)
    assert reader.open == [] and "script" not in reader.seen and "math" in reader.seen
    assert "break-before: page" in text and text.index("Key to") > text.index("What is LoRA")
    assert text.count("<article>") == 2 * len(bank.questions())
    assert sheet.sheet(PACKS[0], 1) != sheet.sheet(PACKS[0], 2) and sheet.sheet(PACKS[0], 1) == sheet.sheet(PACKS[0], 1)


def test_the_key_letters_of_a_sheet_are_those_of_the_right_options():
    pack = next(pack for pack in PACKS if pack.name == "lora")
    text = sheet.sheet(pack, 5)
    number = 1 + [question.id for question in pack.questions].index("lora-start-unchanged")
    articles = re.findall(r"<article>(.*?)</article>", text, re.DOTALL)
    question, key = articles[number - 1], articles[number - 1 + len(pack.questions)]
    options = re.findall(r"<li>(.*?)</li>", question)
    letter = re.search(r"</b> ([A-D]): ", key)[1]
    assert options["ABCD".index(letter)].startswith("A is random and B is zero")


def test_markup_escapes_and_converts():
    assert html("a < b & `c<d` **e** *f*", mathjax) == "a &lt; b &amp; <code>c&lt;d</code> <b>e</b> <i>f</i>"
    assert html(r"\$5 and $x<y$", mathjax) == r"$5 and \(x&lt;y\)"
    assert html("[here](/lora#idea) [bad](javascript:x)", mathjax) == '<a href="/lora#idea">here</a> [bad](javascript:x)'
    assert mathml(r"\frac{a}{b}").startswith("<math") and mathml(r"\undefined{{{").startswith(("<math", "<code>"))


def _answer(number: int, **changes) -> Answer:
    fields = {
        "id": f"id{number}",
        "learner": "ada",
        "question": "lora-start-unchanged",
        "seed": 4,
        "chosen": {"picked": ["a"], "right": True},
    }
    fields |= {"credit": 1.0, "confidence": "sure", "hints": 0, "seconds": 2.5, "page": "/practice", "day": "2026-11-22", "tries": 0}
    fields |= {"at": datetime(2026, 11, 22, 9, number, tzinfo=UTC)}
    return Answer(**{**fields, **changes})


def test_csv_holds_each_answer_and_no_formula():
    rows = [_answer(1), _answer(2, chosen={"text": '=1+1,"x"\n', "points": [], "right": False}), _answer(3, chosen={"undo": "id1"})]
    read = list(csv.DictReader(io.StringIO(table.answers_csv(rows, bank.questions()))))
    assert [row["id"] for row in read] == ["id2"]
    assert json.loads(read[0]["chosen"])["text"] == '=1+1,"x"\n' and read[0]["lesson"] == "lora"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in read for cell in row.values())


def test_history_round_trip_loses_nothing_and_doubles_nothing():
    rows = [_answer(1), _answer(2, confidence=None), _answer(3, chosen={"undo": "id1"})]
    text = export_history(rows)
    assert "ada" not in text
    fresh = import_history(text, "bob", [])
    assert fresh == [row._replace(learner="bob") for row in rows]
    assert import_history(text, "bob", fresh) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no JSON"),
        ("[1]", "no history"),
        ('{"format": "delta-lab-answers", "version": 99, "answers": []}', "update"),
        ('{"format": "delta-lab-answers", "version": 1}', "answers"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_what_is_no_history_is_refused(text, word):
    with pytest.raises(SpecError, match=word):
        import_history(text, "ada", [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", "2026-11-22T09:00:00"),
        ("at", "yesterday"),
        ("day", "x"),
        ("credit", 2),
        ("credit", True),
        ("confidence", "very"),
        ("seed", -1),
    ]
    + [("seconds", float("nan")), ("chosen", []), ("id", ""), ("question", 5), ("hints", 1.5)],
)
def test_a_faulty_row_is_named_and_nothing_is_imported(field, value):
    data = json.loads(export_history([_answer(1), _answer(2)]))
    data["answers"][1][field] = value
    with pytest.raises(SpecError, match="answer 2"):
        import_history(json.dumps(data), "ada", [])
