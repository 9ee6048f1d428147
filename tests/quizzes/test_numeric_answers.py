"""Every number question once more, worked out another way: by counting, by fractions, by conversion step by step."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from quizzes import bank
from quizzes.grading import grade
from quizzes.schema import Number
from quizzes.variants import all_variants


def F(value) -> Fraction:
    """Decimal values exactly, so that this way of computing shares no rounding with the other."""
    return Fraction(str(value))


def _lora_shapes(layers: int, width: int, rank: int) -> int:
    """Count A and B of query and value, layer by layer."""
    return sum(rows * columns for _ in range(layers) for _ in ("q", "v") for rows, columns in ((rank, width), (width, rank)))


def _rows_left(total: int, batch: int) -> int:
    steps = 0
    while total > 0:
        total, steps = total - batch, steps + 1
    return steps


def _adam_states(billions) -> Fraction:
    return sum((F(billions) * part for part in (2, 2, 4, 4, 4)), Fraction(0))


def _cards(billions, card) -> int:
    count = 1
    while count * F(card) < _adam_states(billions):
        count += 1
    return count


def _softplus_series(x: float) -> float:
    """−log σ(x) as the integral of σ(−t) from x on, by Simpson's rule."""
    steps, top = 4000, x + 60.0
    width = (top - x) / steps
    values = [1 / (1 + math.exp(x + i * width)) if x + i * width < 700 else 0.0 for i in range(steps + 1)]
    return width / 3 * (values[0] + values[-1] + 4 * sum(values[1:-1:2]) + 2 * sum(values[2:-1:2]))


def _exp_series(x: float) -> float:
    return math.fsum(x**n / math.factorial(n) for n in range(60))


def _capped_share(a, b, c, cap) -> Fraction:
    kept = sorted(cap if rows > cap else rows for rows in (a, b, c))
    return Fraction(100 * kept[-1], sum(kept))


def _largest_batch(card, states, runtime, row) -> int:
    free, batch = F(card) - F(states) - F(runtime), 0
    while (batch + 1) * F(row) <= free:
        batch += 1
    return batch


NF4 = (0, 0.0796, 0.1609, 0.2461, 0.3379, 0.4407, 0.5626, 0.7230, 1)

SECOND_WAY = {
    "start-checkpoint-size": lambda params, bytes, **_: Fraction(params * bytes * 8, 8 * 10**9),
    "start-tokens-seen": lambda steps, batch, row: sum(batch * row for _ in range(steps)),
    "start-steps-per-epoch": lambda examples, batch, **_: _rows_left(examples, batch),
    "start-perplexity": lambda loss: _exp_series(loss),
    "start-relative-drift": lambda drift, norm: F(drift) * F(norm),
    "full-states-memory": lambda params: _adam_states(params),
    "full-bf16-peak": lambda params, **_: Fraction(sum(params * part for part in (2, 2, 2, 2, 2)), 10**9),
    "full-flops": lambda n, d: (F(n) * 10**9 * 2 + F(n) * 10**9 * 4) * F(d) * 10**6,
    "full-gpu-hours": lambda flop, peak, mfu, **_: F(flop) * 10**18 / (F(peak) * 10**12 * F(mfu) / 100) / 60 / 60,
    "full-smallest-card": lambda params, card, **_: _cards(params, card),
    "lora-adapter-parameters": lambda layers, width, rank, **_: _lora_shapes(layers, width, rank),
    "lora-share-of-matrix": lambda din, dout, rank: 100 * (Fraction(rank, dout) + Fraction(rank, din)),
    "lora-adapter-bytes": lambda layers, width, bytes, rank, **_: Fraction(_lora_shapes(layers, width, rank) * bytes, 10**6),
    "lora-scaling": lambda rank, alpha: Fraction(alpha, rank),
    "lora-rslora": lambda rank, alpha: math.exp(math.log(alpha) - 0.5 * math.log(rank)),
    "lora-flops-ratio": lambda n, d: F(n) * 10**9 * F(d) * 10**6 * (6 - 4),
    "qlora-weights-bytes": lambda params: F(params) * 10**9 * F("4.127") / 8 / 10**9,
    "qlora-constants-bits": lambda bits, block: Fraction(bits, block),
    "qlora-double-quantization-saving": lambda params: F(params) * (Fraction(1, 2) - (Fraction(1, 8) + Fraction(1, 512))) / 8,
    "qlora-states-total": lambda params, share: F(params) * F("0.516") + F(params) * F(share) / 100 * sum((2, 2, 4, 4, 4)),
    "qlora-nearest-level": lambda w, top, **_: sorted((abs(w - level * top), level * top) for level in NF4)[0][1],
    "prompt-parameters": lambda width, k, **_: sum(width for _ in range(k)),
    "prefix-parameters": lambda layers, heads, head, k, **_: sum(
        heads * head for _ in range(layers) for _ in ("key", "value") for _ in range(k)
    ),
    "prompt-file-bytes": lambda k, width: Fraction(k * width * 32, 8 * 1000),
    "prompt-share": lambda k: Fraction(k * 4096 * 100, 6_738_415_616),
    "prompt-context-cost": lambda context, k, answerlen: len(range(k + answerlen, context)),
    "frozen-head-parameters": lambda width, classes: width * classes + classes,
    "frozen-feature-store": lambda width, bytes, texts, **_: Fraction(texts * width * bytes, 10**6),
    "frozen-compute-saved": lambda n, tokens, epochs, **_: sum(2 * n * 10**6 * tokens * 10**3 for _ in range(1, epochs)),
    "frozen-accuracy": lambda right, all, **_: 100 - Fraction(100 * (all - right), all),
    "frozen-chance": lambda major, others: 100 - Fraction(100 * others, major + others),
    "instruct-mixture-share": lambda a, b, c, cap, **_: _capped_share(a, b, c, cap),
    "instruct-epochs": lambda rows, steps, batch: Fraction(steps * batch, rows),
    "instruct-agreement": lambda same, all, **_: Fraction(same - (all - same), all),
    "instruct-exact-match": lambda right, tasks, items: Fraction(right, tasks) / items * 100,
    "rlhf-states-bytes": lambda trained, frozen, n, **_: sum([_adam_states(n)] * trained, Fraction(0)) + frozen * F(n) * 2,
    "rlhf-pairs-from-ranking": lambda k, **_: sum(1 for first in range(k) for second in range(first)),
    "rlhf-bradley-terry": lambda a, b: 100 * math.exp(a) / (math.exp(a) + math.exp(b)),
    "dpo-loss-at-start": lambda pairs, beta: _softplus_series(0.0),
    "dpo-loss-of-pair": lambda up, down, beta, **_: _softplus_series(float((F(up) - F(down)) * F(beta))),
    "choosing-states-lora": lambda n, share: 2 * F(n) + _adam_states(F(n) * F(share) / 100),
    "choosing-cost": lambda mtok, rate, price, **_: F(mtok) * 10**6 * F(price) / (F(rate) * 60 * 60),
    "choosing-many-tasks": lambda tasks, model, adapter, **_: (tasks - 1) * F(model) - tasks * F(adapter) / 1000,
    "choosing-gib": lambda gib: Fraction(gib * 1024 * 1024 * 1024, 1000 * 1000 * 1000),
    "choosing-headroom": lambda card, states, runtime, row, **_: _largest_batch(card, states, runtime, row),
}

NUMBERS = [question for question in bank.questions().values() if isinstance(question.body, Number)]


def test_every_number_question_has_a_second_way():
    assert {question.id for question in NUMBERS} == set(SECOND_WAY)


@pytest.mark.parametrize("question", NUMBERS, ids=lambda question: question.id)
def test_every_variant_agrees_with_the_second_way(question):
    drawn = {*(question.draw.rows[0] if question.draw.rows else ()), *question.draw.lists}
    for shown in all_variants(question, limit=10_000):
        names = {name: value for name, value in shown.names.items() if name in drawn}
        expected = float(SECOND_WAY[question.id](**names))
        assert shown.answer == pytest.approx(expected, rel=1e-8), names
        assert grade(shown, {"number": f"{expected:.10g} {question.body.unit}"}).right


@pytest.mark.parametrize("question", NUMBERS, ids=lambda question: question.id)
def test_known_slips_are_recognised_and_named(question):
    for shown in all_variants(question):
        for value, mistake in zip(shown.mistakes, shown.question.body.mistakes, strict=True):
            verdict = grade(shown, {"number": repr(value)})
            assert verdict.credit == 0 and verdict.remarks[0].text == mistake.feedback


def test_the_chart_of_states_adds_up():
    question = bank.questions()["choosing-energy-chart"]
    for shown in all_variants(question):
        n = F(shown.names["n"])
        full, lora, qlora = shown.plot.values[0]
        assert full == pytest.approx(float(_adam_states(n)))
        assert lora == pytest.approx(float(2 * n + _adam_states(n / 100)))
        assert qlora == pytest.approx(float(F("0.516") * n + _adam_states(n / 100)))
