"""Moodle XML (docs.moodle.org, "Moodle XML format"): multichoice, numerical, matching and essay questions with feedback and hints.

Ordering becomes matching (item to place), which every Moodle has; recall becomes an essay with its model answer as grader's notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from quizzes.export import parts
from quizzes.export.markup import html, mathjax
from quizzes.lint import names_of
from quizzes.schema import Match, Number, Option, Order, Pack, Pick, Recall
from quizzes.units import find_unit
from quizzes.variants import Variant

_UNIT_FRIENDS = {"GB": ("MB", "GiB", "TB"), "MB": ("kB", "MiB", "GB"), "kB": ("MB", "KiB"), "s": ("min", "h"), "h": ("min", "s")}


def moodle_xml(packs: Sequence[Pack]) -> bytes:
    """The packs as one XML document, a category each."""
    quiz = ET.Element("quiz")
    for pack in packs:
        category = ET.SubElement(ET.SubElement(quiz, "question", type="category"), "category")
        _text(category, f"$course$/top/Delta Lab/{pack.title.replace('/', '//')}")
        for shown in parts.exported(pack.questions):
            _question(quiz, shown)
    ET.indent(quiz)
    made: bytes = ET.tostring(quiz, encoding="utf-8", xml_declaration=True)
    return made


def _question(quiz: ET.Element, shown: Variant) -> None:
    question = shown.question
    body = question.body
    kind = {Pick: "multichoice", Number: "numerical", Order: "matching", Match: "matching", Recall: "essay"}[type(body)]
    node = ET.SubElement(quiz, "question", type=kind)
    _text(ET.SubElement(node, "name"), parts.name(shown))
    _html(node, "questiontext", parts.stem(shown, mathjax))
    explanation = html(question.explanation, mathjax)
    _html(
        node,
        "generalfeedback",
        f"<p>{explanation}</p><p>{html(question.source, mathjax)}</p>" if explanation else html(question.source, mathjax),
    )
    for tag, value in (("defaultgrade", "1.0"), ("penalty", "0.3333333"), ("hidden", "0"), ("idnumber", parts.name(shown))):
        ET.SubElement(node, tag).text = value
    match body:
        case Pick():
            _multichoice(node, body, shown)
        case Number():
            _numerical(node, body, shown)
        case Order(items=items):
            _matching(node, ((html(item.text, mathjax), str(place)) for place, item in enumerate(items, start=1)))
        case Match(pairs=pairs):
            _matching(node, ((html(pair.left, mathjax), pair.right) for pair in pairs))
        case Recall():
            _essay(node, body, shown)
    for hint in question.hints:
        _text(ET.SubElement(node, "hint", format="html"), html(hint, mathjax))
    _tags(node, shown)


def _multichoice(node: ET.Element, body: Pick, shown: Variant) -> None:
    for tag, value in (("single", "false" if body.several else "true"), ("shuffleanswers", "true"), ("answernumbering", "abc")):
        ET.SubElement(node, tag).text = value
    for option in body.options:
        answer = ET.SubElement(node, "answer", fraction=_fraction(option, body), format="html")
        _text(answer, html(option.text, mathjax))
        _html(answer, "feedback", html(option.feedback, mathjax))


def _fraction(option: Option, body: Pick) -> str:
    """Per cent of the grade. Several right options share 100, and each wrong one takes off as much: our partial credit."""
    share = 100 / sum(o.correct for o in body.options)
    value = share if option.correct else (-share if body.several else 0.0)
    return f"{value:.5f}".rstrip("0").rstrip(".")


def _numerical(node: ET.Element, body: Number, shown: Variant) -> None:
    answer = shown.answer or 0.0
    known = [(answer, "100", body.right), *((value, "0", m.feedback) for value, m in zip(shown.mistakes, body.mistakes, strict=True))]
    for number, fraction, feedback in known:
        entry = ET.SubElement(node, "answer", fraction=fraction, format="moodle_auto_format")
        _text(entry, repr(number))
        _html(entry, "feedback", html(feedback, mathjax))
        ET.SubElement(entry, "tolerance").text = repr(abs(number) * body.tolerance)
    rest = ET.SubElement(node, "answer", fraction="0", format="moodle_auto_format")
    _text(rest, "*")
    _html(rest, "feedback", html(body.wrong, mathjax))
    if unit := find_unit(body.unit) if body.unit else None:
        units = ET.SubElement(node, "units")
        for name in (body.unit, *_UNIT_FRIENDS.get(body.unit, ())):
            other = find_unit(name)
            entry = ET.SubElement(units, "unit")
            ET.SubElement(entry, "multiplier").text = repr(unit.size / other.size) if other else "1"
            ET.SubElement(entry, "unit_name").text = name
    for tag, value in (("unitgradingtype", "0"), ("unitpenalty", "0.1"), ("showunits", "3"), ("unitsleft", "0")):
        ET.SubElement(node, tag).text = value


def _matching(node: ET.Element, pairs: Iterable[tuple[str, str]]) -> None:
    ET.SubElement(node, "shuffleanswers").text = "true"
    for left, right in pairs:
        sub = ET.SubElement(node, "subquestion", format="html")
        _text(sub, left)
        _text(ET.SubElement(sub, "answer"), right)


def _essay(node: ET.Element, body: Recall, shown: Variant) -> None:
    for tag, value in (("responseformat", "editor"), ("responserequired", "1"), ("responsefieldlines", "8"), ("attachments", "0")):
        ET.SubElement(node, tag).text = value
    points = "".join(f"<li>{html(point.text, mathjax)}: {html(point.feedback, mathjax)}</li>" for point in body.points)
    _html(node, "graderinfo", f"<p>{html(body.model_answer, mathjax)}</p><ul>{points}</ul>")


def _tags(node: ET.Element, shown: Variant) -> None:
    tags = ET.SubElement(node, "tags")
    for name in (shown.question.lesson, shown.question.kind, *sorted(names_of(shown.question))):
        _text(ET.SubElement(tags, "tag"), name)


def _html(parent: ET.Element, tag: str, text: str) -> None:
    _text(ET.SubElement(parent, tag, format="html"), text)


def _text(parent: ET.Element, text: str) -> None:
    ET.SubElement(parent, "text").text = text
