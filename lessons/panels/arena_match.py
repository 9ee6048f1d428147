"""A contest round by round: what each contender says to one held-out question, what the scorer finds, and what the learner chose."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from engine.contracts import Answer, Evaluated
from engine.doctor import Story
from engine.store import answers
from engine.store.answers import AnswerRow
from lessons.panels.arena_field import Contender

PAGE = "/arena"
"""Where the choices stand among a learner's answers. They have no envelope of the quiz log, which leaves them out."""


class Said(NamedTuple):
    """One answer of a round, with all who gave it: answers that are alike stand once."""

    text: str
    by: tuple[str, ...]
    """Keys of contenders."""
    good: bool
    fact: bool | None

    @property
    def right(self) -> bool:
        """As the task asks: it passes the scorer, and holds the key fact where there is one."""
        return self.good and self.fact is not False


class Round(NamedTuple):
    """One held-out question."""

    id: str
    """Under which the choice is kept."""
    prompt: str
    base: Answer
    other_bases: Mapping[str, str]
    """Contender -> what its own base said, where that was something else: a base in 4 bits."""
    said: tuple[Said, ...]
    """In the order of the contenders."""

    @property
    def right(self) -> tuple[str, ...]:
        """Contenders whose answer is as the task asks."""
        return tuple(key for said in self.said if said.right for key in said.by)

    @property
    def differs(self) -> bool:
        return len(self.said) > 1

    @property
    def apart(self) -> bool:
        """Some answers are right and others are not."""
        return len({said.right for said in self.said}) > 1

    def shuffled(self) -> tuple[Said, ...]:
        """Always in the same order for the same question and contenders, and in one that tells nothing."""
        return tuple(Random(self.id).sample(self.said, len(self.said)))

    def agrees(self, best: Sequence[str]) -> bool:
        """Whether the scorer passes the answer of those chosen; with nobody chosen, whether it passes none."""
        return bool(set(best) & set(self.right)) if best else not self.right


def rounds(chosen: Sequence[Contender], told: Mapping[str, Story]) -> list[Round]:
    """The questions that all contenders were asked; those first to which they say different things."""
    looks = {key: (_by_prompt(story.base), _by_prompt(story.latest)) for key, story in told.items()}
    first = looks[chosen[0].key][1]
    shared = [prompt for prompt in first if all(prompt in base and prompt in tuned for base, tuned in looks.values())]
    found = [_round(chosen, {key: (base[prompt], tuned[prompt]) for key, (base, tuned) in looks.items()}) for prompt in shared]
    return sorted(found, key=lambda one: not one.differs)


def _by_prompt(look: Evaluated | None) -> dict[str, Answer]:
    return {answer.prompt: answer for answer in look.answers} if look else {}


def _round(chosen: Sequence[Contender], answered: Mapping[str, tuple[Answer, Answer]]) -> Round:
    """From each contender's answers before and after. The base shown is one in whole precision where there is one."""
    whole = next((contender.key for contender in chosen if contender.spec.method != "qlora"), chosen[0].key)
    base = answered[whole][0]
    others = {key: its.tuned for key, (its, _) in answered.items() if its.tuned != base.tuned}
    by: dict[str, list[str]] = {}
    for contender in chosen:
        by.setdefault(answered[contender.key][1].tuned, []).append(contender.key)
    verdicts = {text: answered[keys[0]][1] for text, keys in by.items()}
    said = tuple(Said(text, tuple(keys), verdicts[text].good, verdicts[text].fact) for text, keys in by.items())
    about = [chosen[0].spec.model, chosen[0].spec.task, sorted(answered), base.prompt]
    return Round(f"arena-{hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]}", base.prompt, base, others, said)


# What the learner chose


class Tally(NamedTuple):
    """The learner's choices so far."""

    chosen: int
    apart: int
    """Rounds chosen in which not every answer was right: there an eye can err."""
    agreed: int
    """Of these, those in which the scorer agrees."""
    preferred: tuple[tuple[str, int], ...]
    """Contender and how often its answer was chosen, the most frequent first."""
    none: int
    """Rounds in which none was."""


def choices(learner: str | None, contest: Sequence[Round]) -> dict[str, AnswerRow]:
    """Round -> the choice in force, oldest first."""
    ids = {one.id for one in contest}
    made = answers.history(learner, page=PAGE) if learner else []
    return {row.question_id: row for row in made if row.question_id in ids}


def keep(learner: str, one: Round, best: Sequence[str]) -> None:
    """Keep a choice; it is on the disk when this returns. Raises RunError where the store refuses."""
    answers.save(learner, one.id, {"best": list(best)}, float(one.agrees(best)), page=PAGE)


def take_back(learner: str, made: Sequence[AnswerRow]) -> None:
    """Take choices back; they stay in the log, marked."""
    for row in made:
        answers.undo(learner, row.id)


def tally(contest: Sequence[Round], made: Mapping[str, AnswerRow]) -> Tally:
    """Counted anew from the rounds, so that it always says what they say."""
    chosen = [(one, made[one.id].chosen["best"]) for one in contest if one.id in made]
    apart = [one.agrees(best) for one, best in chosen if not all(said.right for said in one.said)]
    times = Counter(key for _, best in chosen for key in best)
    return Tally(len(chosen), len(apart), sum(apart), tuple(times.most_common()), sum(not best for _, best in chosen))
