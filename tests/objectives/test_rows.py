"""Rows label the answer and nothing else; batches hold every example once an epoch and little padding."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.models import load
from engine.objectives.rows import IGNORE, Row, batches, collate, make_row, prompt_text
from engine.tasks import load as load_task

rows_of = st.lists(st.integers(2, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))), min_size=1, max_size=30)


def row(length: int, answer: int, mark: int = 5) -> Row:
    return Row([mark] * length, answer)


@given(rows_of)
def test_labels_stand_on_answers_only(shapes):
    batch = collate([row(*shape) for shape in shapes], pad_id=0)
    for i, (length, answer) in enumerate(shapes):
        assert (batch.labels[i] != IGNORE).sum() == answer
        assert batch.mask[i].sum() == length
        assert (batch.labels[i, -answer:] == batch.ids[i, -answer:]).all()
        assert batch.positions[i, -1] == length - 1
    assert batch.tokens == sum(length for length, _ in shapes)


@given(rows_of, st.integers(1, 6), st.integers(0, 99))
def test_every_row_once_an_epoch_and_equal_seeds_equal_batches(shapes, micro_batch, seed):
    rows = [Row([index + 1] * length, answer) for index, (length, answer) in enumerate(shapes)]
    steps = -(-len(rows) // micro_batch)
    first = list(batches(rows, micro_batch, steps, seed, pad_id=0))
    seen = sorted(int(ids.max()) for batch in first for ids in batch.ids)
    assert seen == list(range(1, len(rows) + 1))
    again = list(batches(rows, micro_batch, steps, seed, pad_id=0))
    assert all(torch.equal(a.ids, b.ids) for a, b in zip(first, again, strict=True))


def test_a_row_decodes_to_prompt_and_answer_with_its_end_mark():
    _, tokenizer = load("nano-0.1m")
    example = load_task("stories").train[0]
    made = make_row(tokenizer, example, 128)
    said = tokenizer.decode(made.ids[-made.answer_tokens :], skip_special_tokens=True).strip()
    assert said == example.answer
    assert made.ids[-1] == tokenizer.eos_token_id
    asked = tokenizer(prompt_text(tokenizer, example.prompt), add_special_tokens=False).input_ids
    assert made.ids[: -made.answer_tokens] == asked
