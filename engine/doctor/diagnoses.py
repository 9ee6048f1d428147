"""What went wrong in a finished run, named from its numbers alone.

Thresholds were set on seeds 0 to 2 of the clinic's cases and tried on seeds 3 to 5 and a second task; see docs/measurements.md.
The words stand in lessons/text/clinic/<key>.md: symptom, cause, mend.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.contracts import NOT_FINITE
from engine.doctor.preferences import PREFERENCES
from engine.doctor.signs import Diagnosis, Signs, answers, losses, rate, read_signs, scores
from engine.doctor.story import Story

STILL = 0.1
"""A held-out loss that moved by less than this share of itself did not move."""
LEARNED = 0.8
"""A training loss below this share of its first value was learned."""
B_MOVED = 3e-3
"""Root mean square of B above which LoRA's factors did move: 1e-5 for 60 steps gives 2e-4, a usual run 1e-2 and more."""
FORGOT_NATS = 1.0
"""Rise of the probe's loss that shows in answers to anything, nats."""
TEMPLATE_RATIO = 1.4
"""First training loss over the base's held-out loss."""
USUAL_ZEROS, ZEROS = 0.09, 0.25
"""Share of NF4's weights that become exactly 0 where they are spread like a bell, in blocks of 64; a share that takes outliers."""


def diagnose(story: Story) -> tuple[Diagnosis, ...]:
    """Everything that a finished run shows, the gravest first; nothing for a run that was cancelled or is still going."""
    ended = story.ended
    if ended is not None and ended.status == "failed" and NOT_FINITE in ended.sentence:
        asked = f"{story.started.spec['learning_rate']:g}" if story.started else "?"
        first = f"{story.steps[0].loss:.2f}" if story.steps else "not a number"
        return (Diagnosis("diverged", {"first": first, "last": "not a number", "rate": asked}),)
    signs = read_signs(story)
    if ended is None or ended.status != "done" or signs is None:
        return ()
    shown = [check(signs) for check in CHECKS]
    if signs.spec["objective"] in ("dpo", "rlhf"):
        shown += [check(story, signs) for check in PREFERENCES]
    return tuple(diagnosis for diagnosis in shown if diagnosis is not None)


def same_twice(signs: Signs) -> Diagnosis | None:
    """The base and the tuned model are one: which of the two it is tells the training loss at the end that its loss is nearer to."""
    equal = abs(signs.heldout_after - signs.heldout_before) <= 1e-6 * abs(signs.heldout_before) and signs.same == 1
    if not equal or signs.train_last > LEARNED * signs.train_first:
        return None
    tuned = abs(signs.heldout_after - signs.train_last) < abs(signs.heldout_after - signs.train_first)
    return Diagnosis("compared-with-itself" if tuned else "adapter-off", {**losses(signs), **answers(signs)})


def nothing_moved(signs: Signs) -> Diagnosis | None:
    """Training itself did not get anywhere: a rate too low, or steps that alpha / r made too short to matter."""
    moved = abs(signs.heldout_after / signs.heldout_before - 1) > STILL or signs.train_last < LEARNED * signs.train_first
    if moved or signs.same < 0.5 or signs.last.drift == 0:
        return None
    b, drift = signs.last.metrics.get("b_rms"), signs.last.drift
    values = {**losses(signs), **answers(signs), "drift": f"{drift:.1e}", "rate": f"{signs.spec['learning_rate']:g}"}
    if b is not None and b > B_MOVED:
        scale = f"{signs.spec['alpha']:g} / {signs.spec['rank']}"
        return Diagnosis("alpha-damped", {**values, "b": f"{b:.2g}", "scale": scale})
    return Diagnosis("lr-too-low", {**values, "b": "" if b is None else f"{b:.1e}"})


def diverged(signs: Signs) -> Diagnosis | None:
    """The loss ended above where it began."""
    if signs.train_last < 1.2 * signs.train_first or signs.spec["objective"] != "sft":
        return None
    return Diagnosis("diverged", {"first": f"{signs.train_first:.2f}", "last": f"{signs.train_last:.2f}", "rate": rate(signs)})


def forgot_much(signs: Signs) -> Diagnosis | None:
    """General answers got far less likely. Not asked of nano models, whose task is to unlearn the stories of the probe."""
    if signs.probe_rise is None or signs.spec["model"].startswith("nano-") or signs.probe_rise < FORGOT_NATS:
        return None
    return Diagnosis("forgot-much", {"rise": f"{signs.probe_rise:.2f}", "drift": f"{signs.last.drift:.1e}", "rate": rate(signs)})


def prompt_loss(signs: Signs) -> Diagnosis | None:
    """Every token that can carry loss did."""
    if signs.loss_share is None or signs.loss_share < 0.97:
        return None
    return Diagnosis("prompt-loss", {"share": f"{100 * signs.loss_share:.0f}%", **losses(signs)})


def wrong_template(signs: Signs) -> Diagnosis | None:
    """The untouched model met its first training rows as strangers, though it knows the held-out ones of the same kind; or it came to
    know rows that it saw once or twice, and the held-out ones hardly.
    """
    starts_as_base = signs.spec["method"] in ("full", "lora", "qlora") and signs.spec["objective"] == "sft"
    late = signs.same == 1 and signs.heldout_after == signs.heldout_before
    strange_at_first = signs.train_first >= TEMPLATE_RATIO * signs.heldout_before
    strange_for_good = signs.epochs <= 2 and signs.heldout_after > max(2.5 * signs.train_last, 0.5 * signs.heldout_before)
    if not starts_as_base or late or prompt_loss(signs) or not (strange_at_first or strange_for_good):
        return None
    values = {"first": f"{signs.train_first:.2f}", "base": f"{signs.heldout_before:.2f}"}
    return Diagnosis("wrong-template", {**values, **losses(signs)})


def overfit(signs: Signs) -> Diagnosis | None:
    """Training loss near nothing, held-out loss past its best."""
    rose = signs.heldout_after > 1.15 * signs.heldout_best and signs.heldout_after > 3 * signs.train_last
    if not rose or signs.epochs < 4 or signs.spec["objective"] not in ("sft", "classify"):
        return None
    values = {"best": f"{signs.heldout_best:.2f}", "epochs": f"{signs.epochs:.0f}", "examples": str(signs.spec["examples"])}
    return Diagnosis("overfit", {**values, **losses(signs)})


def packed_outlier(signs: Signs) -> Diagnosis | None:
    """Four bits made nothing of a large share of the weights: single large ones set the scales of their blocks."""
    zeros = signs.last.metrics.get("packed_zeros")
    if zeros is None or zeros < ZEROS:
        return None
    return Diagnosis("packed-outlier", {"zeros": f"{100 * zeros:.0f}%", "usual": f"{100 * USUAL_ZEROS:.0f}%", **losses(signs)})


def few_targets(signs: Signs) -> Diagnosis | None:
    """The adapter reaches a small corner of the model, and the task was not learned."""
    share = signs.last.metrics.get("reach")
    if signs.spec["method"] not in ("lora", "qlora"):  # only these have targets to choose
        return None
    if share is None or share >= 0.1 or signs.score_after >= 0.8 or nothing_moved(signs) or same_twice(signs):
        return None
    values = {"share": f"{100 * share:.1f}%", "targets": str(signs.spec.get("targets")), **scores(signs)}
    return Diagnosis("few-targets", values)


def soft_prompt_facts(signs: Signs) -> Diagnosis | None:
    """Learned positions steer what a model does with what it knows; new facts are not in what it knows."""
    new_facts = signs.base.fact_score is None  # the facts are what the task teaches
    if signs.spec["method"] not in ("prompt", "prefix") or not new_facts or signs.spec["objective"] != "sft":
        return None
    if signs.score_after >= 0.25 or signs.train_last > LEARNED * signs.train_first:
        return None
    return Diagnosis("soft-prompt-facts", {**scores(signs), **losses(signs), "tokens": str(signs.spec["virtual_tokens"])})


def facts_backwards(signs: Signs) -> Diagnosis | None:
    """The facts are there when asked in the direction of training, and not in the other."""
    back = signs.last.metrics.get("reversal_score")
    if back is None or signs.score_after < 0.5 or back > signs.score_after / 3:
        return None
    return Diagnosis("facts-backwards", {**scores(signs), "backwards": f"{100 * back:.0f}%"}, limit=True)


CHECKS: tuple[Callable[[Signs], Diagnosis | None], ...] = (
    same_twice, nothing_moved, diverged, prompt_loss, wrong_template, overfit, forgot_much, packed_outlier, few_targets, soft_prompt_facts, facts_backwards,
)  # fmt: skip
