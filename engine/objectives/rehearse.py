"""Rehearsal: a share of the rows of every step is old data, so that what the base could do is practised while the task is learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from engine.adapt import Adaptation
from engine.contracts import RunSpec
from engine.objectives.answers import answers
from engine.objectives.rows import Row, as_spoken, draw_groups, make_rows
from engine.tasks.rehearsal import LONGEST_ANSWER_TOKENS, rehearsed


def old_by(step: int, spec: RunSpec) -> int:
    """Rehearsal rows in the first `step` steps together: the spec's share of all their rows, to the nearest whole row."""
    return int(step * spec.micro_batch * (spec.rehearsal or 0.0) + 0.5)


def old_rows(adaptation: Adaptation, tokenizer, models: str, spec: RunSpec) -> list[Row]:
    """As many rows as the run can use; where the old data are not at hand, the base itself answers (greedy, adapter off).

    An answer of the base that was cut off loses its end mark: the base did not stop there.
    """
    examples = rehearsed(models, old_by(spec.steps, spec))
    if all(example.answer for example in examples):
        return make_rows(tokenizer, examples, adaptation.model, spec.fault)
    with adaptation.as_base():
        said = answers(adaptation.model, tokenizer, examples, LONGEST_ANSWER_TOKENS)
    examples = tuple(example._replace(answer=answer) for example, answer in zip(examples, said, strict=True))
    return [as_spoken(row, LONGEST_ANSWER_TOKENS) for row in make_rows(tokenizer, examples, adaptation.model, spec.fault)]


def mixed(new: Sequence[Row], old: Sequence[Row], spec: RunSpec) -> Iterator[list[Row]]:
    """`steps` groups of `micro_batch` rows, each kind epoch after epoch in an order of its own; none where there are no new rows."""
    if not new:
        return
    most = spec.steps * spec.micro_batch
    orders = [draw_groups([len(row.ids) for row in rows], spec.micro_batch, most, spec.seed) for rows in (new, old)]
    next_new, next_old = (chain.from_iterable(order) for order in orders)
    for step in range(1, spec.steps + 1):
        count = old_by(step, spec) - old_by(step - 1, spec)
        yield [new[next(next_new)] for _ in range(spec.micro_batch - count)] + [old[next(next_old)] for _ in range(count)]
