"""A whole step of a whole model, played through once: embedding, layers, loss, and back.

Equal layers are played once and counted as often as they occur: what one layer leaves behind is added for all of them,
and taken away again on the way back. Live bytes are linear in the number of layers that are still to come, so the
moments at both ends of the run of equal layers hold the maximum.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import lru_cache
from operator import ge
from typing import NamedTuple

from engine.planner.arch import Stack
from engine.planner.tape import blocks
from engine.planner.tape.core import (
    SS,
    WIDTH,
    B,
    Q,
    S,
    Shadow,
    Size,
    Storage,
    T,
    Tape,
    backward,
    fixed,
    new,
    parameter_gradient,
    record,
    save,
    tokens,
)
from engine.planner.tape.layer import Layer
from engine.planner.tape.linear import Setting, linear
from engine.planner.tape.loss import Loss, lose
from engine.planner.tape.norms import fused_rms_norm, layer_norm, rms_norm
from engine.planner.tape.ops import add, cast, dropout, embedding, join, scale
from engine.planner.tape.repeat import Bulk, recomputed

_BLOCKS: dict[str, Callable[[Layer, Shadow], Shadow]] = {
    "llama": blocks.llama, "gemma2": blocks.gemma2, "parallel": blocks.parallel, "gpt2": blocks.gpt2, "opt": blocks.opt, "bert": blocks.bert,
}  # fmt: skip


class Task(NamedTuple):
    """What is asked of one play-through, beside the layers' setting; hashable, so that equal ones are played once."""

    setting: Setting
    loss: Loss
    checkpoint_every: int
    """Every how many layers one is recomputed; 0: none."""
    autocast: bool
    accumulates: bool
    input_gradients: bool
    """The embedding's output wants a gradient (PEFT with checkpointing)."""
    head_bytes: int
    prompt_tokens: int = 0
    prefix_tokens: int = 0
    adapter_bytes: int = 4
    upcast_stream: bool = False
    """Norms in fp32 make the residual stream fp32 (kbit_prepare)."""


Table = tuple[tuple[tuple[float, ...], ...], ...]
"""(moments, tags, monomials)."""


class Program(NamedTuple):
    """Moments of one step: `coefficients[moment, tag, monomial]` are bytes, `phases[moment]` says where it is."""

    coefficients: Table
    phases: tuple[str, ...]
    written: dict[str, list[float]]
    """By phase, all bytes that are allocated on the way, dead ones too, by monomial."""


@lru_cache(maxsize=256)
def play(task: Task) -> Program:
    """Play one forward and backward pass. Pure; a few milliseconds, in which Python's cycle collector only gets in the way."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return _compile(_play(task))
    finally:
        if collects:
            gc.enable()


def moments(task: Task) -> Program:
    """All moments of the step at which memory was locally largest, in their order; `play` keeps only those that can be the peak.

    Layers that were counted at once are one moment each, in equal steps, since equal layers leave equally much.
    """
    tape = _play(task)
    rows: list[list[float]] = []
    phases: list[str] = []
    jumps = dict(tape.jumps)
    for index, (phase, values) in enumerate(tape.points):
        for step in range(1, jumps.get(index, 0)):
            before, share = tape.points[index - 1][1], step / jumps[index]
            rows.append([a + share * (b - a) for a, b in zip(before, values, strict=True)])
            phases.append(phase)
        rows.append(values)
        phases.append(phase)
    return Program(tuple(_by_tag(values) for values in rows), tuple(phases), tape.written)


def _by_tag(values: list[float]) -> tuple[tuple[float, ...], ...]:
    """One moment's bytes as (tags, monomials). Sums that should be 0 may be a little below."""
    return tuple(tuple(max(value, 0.0) for value in values[start : start + WIDTH]) for start in range(0, len(values), WIDTH))


def _play(task: Task) -> Tape:
    tape = Tape()
    tape.autocast, tape.accumulates = task.autocast, task.accumulates
    setting = task.setting
    arch = setting.arch
    twice = arch.encoder_decoder or (arch.tied and task.loss.kind != "classify")
    tape.used_twice = frozenset({"embed"}) if twice else frozenset()
    shared = _shared(tape, task)
    locals_: list[Storage] = []  # what the model's forward function holds to its end
    if arch.encoder_decoder:
        hidden = _encoder_decoder(tape, task)
    else:
        hidden = _run_stack(tape, task, arch.stacks[0], _embed(tape, task, locals_), _BLOCKS[arch.block])
        hidden = _final_norm(tape, setting, hidden)
    if arch.outer and setting.arch.embed_dim:
        hidden = _project(tape, task, hidden)
    locals_.clear()
    tape.returned.clear()
    if not task.checkpoint_every:  # the model lets go of it before its head; recomputed layers hold it
        shared.pop("mask", None)
    if task.checkpoint_every != 1:  # every second layer has the same kind of attention
        shared.pop("second mask", None)
    loss = lose(tape, setting, task.loss, hidden, task.head_bytes)
    del hidden
    tape.cast_cache.clear()
    tape.mark()
    tape.phase, tape.tag, tape.repeats = "backward", "temporaries", 1
    seeds = {loss.node: new(tape, fixed(1), 4)} if loss.node is not None else {}
    del loss
    backward(tape, seeds, tape.nodes)
    tape.mark()
    return tape


def _shared(tape: Tape, task: Task) -> dict[str, Storage]:
    """What all layers read: tokens, cosines and sines of the positions, and the causal mask where attention is written out."""
    setting = task.setting
    arch = setting.arch
    out = {"input_ids": Storage(tape, tokens(8))}
    if arch.rotary_share:
        out["angles"] = Storage(tape, ((S, 2 * arch.head_dim * arch.rotary_share * setting.weight_bytes),))
    if setting.eager and arch.block not in ("bert", "t5"):
        size: Size = ((Q, setting.weight_bytes), (T, setting.extra_keys * setting.weight_bytes))
        out["mask"] = Storage(tape, size)
        if arch.family in ("gemma2", "gemma3_text"):
            out["second mask"] = Storage(tape, size)  # whole and sliding-window attention have one each
    elif setting.padded or setting.extra_keys:
        out["mask"] = Storage(tape, ((Q, 1), (T, setting.extra_keys)))
    if task.prefix_tokens:  # looked up once for all layers, and let go when each has its copy
        tape.prefix.append(
            Storage(tape, ((B, task.prefix_tokens * 2 * arch.layers * arch.kv_heads * arch.head_dim * setting.weight_bytes),))
        )
    return out


def _compile(tape: Tape) -> Program:
    """Keep the moments that can be the largest for some b and s: those that no other one exceeds in every monomial."""
    keep: list[int] = []
    for wanted in ("forward", "backward"):
        first: dict[tuple[float, ...], int] = {}
        for index, (phase, values) in enumerate(tape.points):
            if phase == wanted:
                first.setdefault(tuple([round(sum(values[monomial::WIDTH]), 3) for monomial in range(WIDTH)]), index)
        largest: list[tuple[float, ...]] = []
        for total in sorted(first, key=sum, reverse=True):  # what exceeds it comes before it
            if not any(all(map(ge, other, total)) for other in largest):
                largest.append(total)
        keep += [first[total] for total in sorted(largest)]
    kept = [tape.points[index] for index in keep]
    return Program(tuple(_by_tag(values) for _, values in kept), tuple(phase for phase, _ in kept), tape.written)


def _embed(tape: Tape, task: Task, held: list[Storage]) -> Shadow:
    """Embedded tokens as the first layer takes them. `held` gets what the model's forward function keeps beside."""
    setting = task.setting
    arch, width = setting.arch, setting.weight_bytes
    hidden = embedding(tape, "embed", arch.vocab, arch.embed_width, weight_bytes=task.head_bytes, trains=setting.trains)
    if arch.family.startswith("gemma"):  # inside the embedding module
        hidden = scale(tape, hidden)
    if task.input_gradients and hidden.node is None:
        hidden = record(tape, hidden, (), (hidden.storage,), lambda g: ())  # a leaf with a gradient lives as long as the tape
    if task.prompt_tokens:
        hidden = _prepend_prompt(tape, task, hidden)
    if arch.block != "bert":  # which embeds in a module of its own
        held.append(hidden.storage)
    if arch.scaled:
        hidden = scale(tape, hidden)
    positions = arch.embed_params - arch.vocab * arch.embed_width
    if arch.outer and arch.embed_dim != arch.hidden and arch.embed_dim:
        hidden = _widen(tape, task, hidden)
    if arch.block in ("gpt2", "opt", "bert") and arch.family not in ("bloom", "gpt_neox", "falcon") and positions:
        place = embedding(tape, "positions", positions / arch.hidden, arch.hidden, weight_bytes=width, trains=setting.trains)
        place = Shadow(place.storage, hidden.elements, place.bytes, place.node)
        hidden = add(tape, hidden, place)
        if arch.block != "bert":
            held.append(place.storage)
        del place
    if arch.block == "bert" or arch.family == "bloom":
        hidden = layer_norm(tape, hidden, "embed_norm", arch.hidden, weight_bytes=setting.norm_bytes, trains=setting.trains)
    if arch.block in ("gpt2", "bert", "t5"):
        hidden = dropout(tape, hidden, setting.dropout)
    if arch.block == "bert":
        held.append(hidden.storage)
    return hidden


def _prepend_prompt(tape: Tape, task: Task, hidden: Shadow) -> Shadow:
    """Learned vectors in front of the embedded tokens; s counts both."""
    width, count = task.setting.arch.hidden, task.prompt_tokens * task.setting.arch.hidden
    stored = task.adapter_bytes

    def back(g: Shadow) -> tuple[()]:
        parameter_gradient(tape, "prompt", count, stored)
        return ()

    prompt = record(tape, new(tape, ((B, count),), stored), (), (), back)
    prompt = cast(tape, prompt, hidden.bytes)
    joined = join(tape, [prompt, Shadow(hidden.storage, (), hidden.bytes, hidden.node)])
    del prompt
    extra = new(tape, tokens(width), hidden.bytes)
    return Shadow(extra.storage, tokens(width), hidden.bytes, joined.node)


def _widen(tape: Tape, task: Task, hidden: Shadow) -> Shadow:
    return linear(tape, task.setting, hidden, task.setting.arch.outer[0], "project_in")


def _project(tape: Tape, task: Task, hidden: Shadow) -> Shadow:
    return linear(tape, task.setting, hidden, task.setting.arch.outer[1], "project_out")


def _final_norm(tape: Tape, setting: Setting, hidden: Shadow, name: str = "final_norm") -> Shadow:
    arch = setting.arch
    if arch.block == "bert" or not arch.stacks[0].extra_params:
        return hidden
    if arch.norm == "layer":
        return layer_norm(tape, hidden, name, arch.hidden, weight_bytes=setting.norm_bytes, trains=setting.trains)
    if setting.fused:
        return fused_rms_norm(tape, hidden, name, arch.hidden, weight_bytes=setting.norm_bytes, trains=setting.trains)
    kind = "gemma" if arch.family.startswith("gemma") else ("t5" if arch.block == "t5" else "llama")
    return rms_norm(tape, hidden, name, arch.hidden, weight_bytes=setting.norm_bytes, trains=setting.trains, kind=kind)


def _run_stack(
    tape: Tape, task: Task, stack: Stack, hidden: Shadow, block: Callable[..., Shadow], *extra: Shadow, offset: int = 0, ahead: int = 0
) -> Shadow:
    """First unit, one that stands for all in between, last unit; a unit is one layer, or two with every second one recomputed.

    `ahead`: layers of the stack before this one, which "every second" goes on counting from.
    """
    unit = max(task.checkpoint_every, 1)
    units, rest = divmod(stack.layers, unit)
    copies = max(units - 3, 0)
    for number in range(units - copies):
        last = number == units - copies - 1 and not rest
        repeated = copies if number == 1 else 0
        bulk = Bulk(tape, repeated)
        hidden = bulk.opened(hidden) if repeated else hidden
        for inside in range(unit):
            hidden = _layer(tape, task, stack, hidden, block, extra, offset + number * unit + inside, (ahead + inside) % unit, last)
        hidden = bulk.closed(hidden) if repeated else hidden
    for number in range(rest):
        hidden = _layer(tape, task, stack, hidden, block, extra, offset + 1000 + number, (ahead + number) % unit, number == rest - 1)
    return hidden


def _layer(
    tape: Tape,
    task: Task,
    stack: Stack,
    hidden: Shadow,
    block: Callable[..., Shadow],
    extra: tuple[Shadow, ...],
    number: int,
    inside: int,
    last: bool,
) -> Shadow:
    def run(x: Shadow) -> Shadow:
        return block(Layer(tape, task.setting, stack, number, last), x, *extra)

    every = task.checkpoint_every
    return recomputed(tape, run, hidden) if every and inside == 0 else run(hidden)


def _encoder_decoder(tape: Tape, task: Task) -> Shadow:
    setting = task.setting
    encoder, decoder = setting.arch.stacks
    held: list[Storage] = []
    bias = _position_bias(tape, setting, "encoder")
    memory = _run_stack(tape, task, encoder, _embed(tape, task, held), blocks.t5_encoder, bias)
    memory = dropout(tape, _final_norm(tape, setting, memory, "encoder_norm"), setting.dropout)
    del bias
    held.clear()
    bias, cross = _position_bias(tape, setting, "decoder"), _position_bias(tape, setting, "")
    out = _run_stack(
        tape, task, decoder, _embed(tape, task, held), blocks.t5_decoder, memory, bias, cross, offset=100, ahead=encoder.layers
    )
    del memory, bias, cross
    return dropout(tape, _final_norm(tape, setting, out), setting.dropout)


def _position_bias(tape: Tape, setting: Setting, name: str) -> Shadow:
    """(1, heads, s, s) of learned distances, shared by the layers, made from 64-bit (s, s) bucket numbers; zeros for cross-attention."""
    heads = setting.arch.heads
    out = new(tape, ((SS, heads),), setting.weight_bytes)
    if not (name and setting.trains):
        return out
    return record(tape, out, (), save(tape, 1, new(tape, ((SS, 1),), 8)), lambda g: ())
