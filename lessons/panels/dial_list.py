"""The settings of a run that have a dial, in the order in which they show."""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.contracts import CHOICES, DTYPES, TARGET_WORDS


class Dial(NamedTuple):
    """One setting of a run."""

    name: str
    """Field of the RunSpec."""
    link: str
    """Name in the address; the command line's word."""
    kind: type
    choices: tuple[Any, ...] = ()
    """What the slider or list offers; a link may hold other values."""
    more: bool = False
    """Shown behind "More"."""


DIALS = (
    Dial("virtual_tokens", "virtual-tokens", int, (1, 2, 5, 10, 20, 50, 100)),
    Dial("token_init", "token-init", str, CHOICES["token_init"]),
    Dial("beta", "beta", float, (0.01, 0.05, 0.1, 0.3, 0.5, 1.0)),
    Dial("pairs", "pairs", str, CHOICES["pairs"]),
    Dial("kl_weight", "kl-weight", float, (0.0, 0.01, 0.05, 0.1, 0.5, 1.0)),
    Dial("samples", "samples", int, (2, 4, 8)),
    Dial("task_types", "task-types", int, (0, 1, 2, 4, 8)),
    Dial("rank", "rank", int, (1, 2, 4, 8, 16, 32)),
    Dial("alpha", "alpha", float, (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)),
    Dial("targets", "targets", str, TARGET_WORDS),
    Dial("learning_rate", "lr", float, tuple(float(f"{m}e{e}") for e in (-5, -4, -3, -2, -1) for m in (1, 2, 3, 5))),
    Dial("scaling", "scaling", str, CHOICES["scaling"], more=True),
    Dial("init", "init", str, CHOICES["init"], more=True),
    Dial("dora", "dora", bool, more=True),
    Dial("quant", "quant", str, CHOICES["quant"]),
    Dial("block_size", "block-size", int, CHOICES["block_size"], more=True),
    Dial("double_quant", "double-quant", bool, more=True),
    Dial("steps", "steps", int, (6, 12, 24, 40, 60, 80, 120)),
    Dial("seed", "seed", int),
    Dial("examples", "examples", int, (8, 16, 24, 48, 64, 128, 256), more=True),
    Dial("micro_batch", "micro-batch", int, (1, 2, 4, 8, 16), more=True),
    Dial("rehearsal", "rehearsal", float, (0.0, 0.01, 0.05, 0.1, 0.25, 0.5), more=True),
    Dial("dropout", "dropout", float, (0.0, 0.05, 0.1, 0.2), more=True),
    Dial("eval_every", "eval-every", int, (0, 3, 6, 10, 15), more=True),
    Dial("pooling", "pooling", str, CHOICES["pooling"], more=True),
    Dial("preference_loss", "preference-loss", str, CHOICES["preference_loss"], more=True),
    Dial("dtype", "dtype", str, DTYPES, more=True),
)
