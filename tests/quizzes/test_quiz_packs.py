"""Files that teachers upload: good ones are kept apart, all others are refused with the line."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contracts import SpecError
from quizzes import bank
from quizzes.packs import check_pack, keep_pack, kept_packs, questions_of, remove_pack
from quizzes.read import MAX_BYTES

GOOD = """[pack]
name = "my-class"
title = "My class"

[[question]]
id = "first"
kind = "choice"
stem = "Which factor of an adapter starts at zero?"
source = "Hu et al. 2021"
[[question.option]]
text = "B"
correct = true
feedback = "Yes, so that the product is zero."
[[question.option]]
text = "A"
feedback = "A starts at random values."
misconception = "lora-zero-both"

[[question]]
id = "second"
kind = "number"
stem = "How many parameters at rank {{rank}}?"
source = "r (d + d)"
answer = "rank * 1024"
unit = "parameters"
tolerance = 0.01
right = "Right, both factors count."
wrong = "Count both of the factors."
[question.draw.lists]
rank = [4, 8]
"""
BANK_FILES = sorted(path for path in bank.FOLDER.glob("*.toml") if path.name != "misconceptions.toml")


def problems(text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(SpecError) as caught:
        check_pack(text.encode() if isinstance(text, str) else text, "mine.toml")
    assert all(re.match(r"mine\.toml, line \d+: ", problem) for problem in caught.value.problems), caught.value.problems
    return caught.value.problems


def line_of(text: str, piece: str) -> int:
    return text[: text.index(piece)].count("\n") + 1


def test_a_good_pack_is_read_with_names_of_its_own():
    checked = check_pack(GOOD.encode(), "mine.toml")
    assert [question.id for question in checked.pack.questions] == ["my-class/first", "my-class/second"]
    assert not set(questions_of([checked.pack])) & set(bank.questions())


def test_a_pack_is_kept_replaced_and_removed(tmp_path):
    keep_pack(GOOD.encode(), "mine.toml", tmp_path)
    keep_pack(GOOD.replace("My class", "My new class").encode(), "other-name.toml", tmp_path)
    assert [pack.title for pack in kept_packs(tmp_path)] == ["My new class"]
    assert remove_pack("my-class", tmp_path) and not remove_pack("my-class", tmp_path)
    assert not remove_pack("../my-class", tmp_path) and kept_packs(tmp_path) == ()


def test_a_kept_file_that_was_broken_by_hand_is_left_out(tmp_path):
    keep_pack(GOOD.encode(), "mine.toml", tmp_path)
    (tmp_path / "broken.toml").write_text("[pack", "utf-8")
    assert [pack.name for pack in kept_packs(tmp_path)] == ["my-class"]


@pytest.mark.parametrize(
    ("old", "new", "at", "word"),
    [
        ('kind = "choice"', 'kind = "essay"', 'kind = "essay"', "not one of"),
        ('kind = "choice"', "kind = 3", "kind = 3", "must be a text"),
        ('id = "second"', 'id = "first"', 'id = "first"\nkind = "number"', "used before, in line 5"),
        ('id = "second"', 'id = "Second One"', 'id = "Second', "lower-case"),
        ("correct = true\n", "", "[[question.option]]", "exactly one"),
        ('feedback = "A starts at random values."\n', "", '[[question.option]]\ntext = "A"', "feedback is missing"),
        ('feedback = "A starts at random values."', 'feedback = ""', 'feedback = ""', "feedback is empty"),
        ('text = "A"', 'text = "<script>alert(1)</script>"', 'text = "<script', "HTML"),
        ('text = "A"', 'text = "<img src=x onerror=y>"', 'text = "<img', "HTML"),
        ('text = "A"', 'text = "[A](javascript:alert(1))"', 'text = "[A]', "script"),
        ('text = "A"', 'text = "![A](https://example.org/a.png)"', 'text = "![', "picture"),
        ('text = "A"', 'text = "A\\u0000"', 'text = "A\\u', "control"),
        ('text = "A"', 'text = "B"', "[[question.option]]", "same text"),
        ('misconception = "lora-zero-both"', 'misconception = "flat-earth"', 'misconception = "flat', "not in the list"),
        ('unit = "parameters"', 'unit = "furlongs"', 'unit = "furlongs"', "not known"),
        ("tolerance = 0.01", "tolerance = 7", "tolerance = 7", "0 to 0.5"),
        ('answer = "rank * 1024"', "", 'id = "second"', "answer is missing"),
        ('answer = "rank * 1024"', "answer = \"__import__('os').system('x')\"", 'id = "second"', "not allowed"),
        ('answer = "rank * 1024"', 'answer = "9**9**9**9"', 'id = "second"', "exponent"),
        ('answer = "rank * 1024"', 'answer = "rank / 0"', 'id = "second"', "worked out"),
        ("{{rank}}", "{{rnk}}", 'id = "second"', "neither drawn nor computed"),
        ("{{rank}}", "{{rank:,.999999999f}}", 'id = "second"', "characters"),
        ("rank = [4, 8]", "rank = []", "[question.draw.lists]", "none of them empty"),
        ("rank = [4, 8]", "rank = [[4], [8]]", "[question.draw.lists]", "lists of texts or numbers"),
        ('name = "my-class"', 'name = "lora"', "[pack]", "be no lesson's name"),
        ('name = "my-class"', 'name = "../../etc"', 'name = "..', "lower-case"),
        ('title = "My class"', 'titel = "My class"', 'titel = "My', "not a field"),
        ('source = "Hu et al. 2021"\n', "", 'id = "first"', "source is missing"),
        ('[[question.option]]\ntext = "A"', '[question.option]\ntext = "A"', '[question.option]\ntext = "A"', "no TOML"),
        ('stem = "Which', 'stem = Which"', 'stem = Which"', "no TOML"),
    ],
)
def test_a_fault_is_told_with_its_line(old, new, at, word):
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    found = problems(text)
    assert any(word in problem for problem in found), found
    lines = {int(re.search(r"line (\d+)", problem)[1]) for problem in found}
    wanted = line_of(text, at)
    assert any(abs(line - wanted) <= 1 for line in lines), (wanted, found)


def test_all_faults_are_told_at_once():
    assert len(problems(GOOD.replace('kind = "choice"', 'kind = "x"').replace('unit = "parameters"', 'unit = "y"'))) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00not text",
        b"[pack]\nname = 1",
        b"a = 1",
        b"[" * 100_000,
        b"a = " + b"[" * 100_000,
        b"a = " + b"{a=" * 50_000,
        b"\n".join(b"a = [" for _ in range(5_000)),
        b".".join(b"a" for _ in range(100_000)) + b" = 1",
        b"[" + b".".join(b"a" for _ in range(100_000)) + b"]",
        b"[[question]]\n" * 50_000,
        b'stem = """' + b"x" * 900_000,
        b"question = [" + b"{}," * 100_000 + b"]",
        b"x = " + b"9" * 500_000,
        b"[" + b" " * 900_000,
        b"a" + b" " * 900_000 + b"= 1",
        b"\n".join(b"[" * 19_000 for _ in range(40)),
        b"a = " + b"\n".join(b"[" for _ in range(100_000)),
        b"".join(b"a%d = [a%d]\n" % (i, i + 1) for i in range(10_000)),
        b"".join(b"[a.b%d]\nc = 1\n" % i for i in range(40_000)),
    ],
    ids=lambda data: f"{len(data)} bytes of {data[:12]!r}",
)
def test_bombs_and_scraps_are_refused_quickly(data):
    began = time.monotonic()
    assert problems(data)
    assert time.monotonic() - began < 20


def test_ten_megabytes_are_refused_before_they_are_read():
    assert "split it" in problems(GOOD.encode() + b"#" * 10_000_000)[0]
    assert MAX_BYTES < 10_000_000


@pytest.mark.parametrize("path", BANK_FILES, ids=lambda path: path.stem)
def test_truncated_files_never_pass_for_whole_ones(path):
    """Cut anywhere: refused with a line, or whole questions were cut off and the rest is sound."""
    data = path.read_bytes().replace(f'name = "{path.stem}"'.encode(), b'name = "cut"', 1)
    source = random.Random(path.stem)
    for _ in range(25):
        cut = data[: source.randrange(len(data))]
        try:
            checked = check_pack(cut, "cut.toml")
        except SpecError as error:
            assert all(re.match(r"cut\.toml, line \d+: ", problem) for problem in error.problems)
        else:
            assert len(checked.pack.questions) == cut.count(b"[[question]]")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_packs_are_read_or_refused_with_a_line(data):
    text = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(text) - 1))
        piece = data.draw(
            st.sampled_from([b'"', b"[", b"]", b"=", b"\n", b"{", b"}}", b"\\", b"0", b"\x00", b"'''", b"#", b"."]) | st.binary(max_size=3)
        )
        text[place : place + data.draw(st.integers(0, 3))] = piece
    try:
        check_pack(bytes(text), "mine.toml")
    except SpecError as error:
        assert all(re.match(r"mine\.toml, line \d+: ", problem) for problem in error.problems), error.problems


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.booleans() | st.integers(-(10**6), 10**6) | st.text("ab<{}", max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "rows", "lists", "style", "series"]), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["id", "kind", "stem", "part", "hints", "listing", "chart", "draw", "option", "run", "opening", "source"]),
)
def test_wrong_types_anywhere_are_refused_with_a_line(value, name):
    text = re.sub(rf"(?m)^{name} = .*\n", "", GOOD, count=1).replace("[[question]]\n", f"[[question]]\n{name} = {_toml(value)}\n", 1)
    try:
        check_pack(text.encode(), "mine.toml")
    except SpecError as error:
        assert all(re.match(r"mine\.toml, line \d+: ", problem) for problem in error.problems), error.problems


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return str(value)


def test_a_pack_as_large_as_allowed_is_checked_in_seconds():
    many = "".join(
        GOOD[GOOD.index('[[question]]\nid = "second"') :].replace('"second"', f'"q{n}"').replace("[4, 8]", str(list(range(1, 51))))
        for n in range(300)
    )
    began = time.monotonic()
    checked = check_pack((GOOD[: GOOD.index("[[question]]")] + many).encode(), "mine.toml")
    assert len(checked.pack.questions) == 300 and time.monotonic() - began < 20
    assert "at most 300" in problems((GOOD + many).encode())[0]


def test_prose_with_dots_and_open_brackets_is_no_bomb():
    text = GOOD.replace(
        "Which factor of an adapter", "From [0, 1) and [1, 2): wait .............................. which factor of an adapter"
    )
    assert len(check_pack(text.encode(), "mine.toml").pack.questions) == 2
