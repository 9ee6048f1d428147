"""From the last hidden state to the loss, by the code that computes it; with large vocabularies the largest term of all."""

from __future__ import annotations

from typing import NamedTuple

from engine.planner.tape.core import B, Shadow, Tape, fixed, new, parameter_gradient, record, save, tokens
from engine.planner.tape.linear import Setting, product
from engine.planner.tape.ops import cast, pointwise, scale, slice_of

CHUNKS = 8
"""Parts into which chunked losses cut the tokens (torchtune's CEWithChunkedOutputLoss)."""


class Loss(NamedTuple):
    """Which code computes the loss."""

    kind: str
    """whole, legacy, inplace, chunked, fused, classify."""
    autocast_outputs: bool
    """accelerate turns the outputs to fp32 after the forward pass."""
    classes: int = 2
    one_row: bool = False
    """A single row: cutting off its last position leaves it contiguous, so that no copy is made."""


def lose(tape: Tape, setting: Setting, loss: Loss, hidden: Shadow, head_bytes: int) -> Shadow:
    """The loss as a shadow of one number; its node leads back to `hidden`."""
    tape.tag = "logits"
    if loss.kind == "classify":
        return _classify(tape, setting, loss, hidden)
    arch = setting.arch
    if loss.kind in ("fused", "chunked"):
        return _by_parts(tape, setting, loss, hidden, head_bytes)
    if arch.block == "t5":
        hidden = scale(tape, hidden)
    name = "embed" if arch.tied else "head"
    logits = product(tape, hidden, name, arch.vocab, arch.embed_width, head_bytes, setting.trains)
    del hidden
    if arch.scaled:
        logits = scale(tape, logits)
    if arch.softcap:
        logits = scale(tape, pointwise(tape, scale(tape, logits), keeps_result=True))
    if loss.kind == "inplace":
        return _in_place(tape, logits)
    if loss.kind == "legacy":
        holder = [logits]
        del logits
        return _legacy(tape, setting, holder, loss.one_row)
    out = _cross_entropy(tape, cast(tape, logits, 4) if arch.block != "t5" else logits)
    if loss.autocast_outputs:
        copied = cast(tape, logits, 4)
        del copied
    return out


def _legacy(tape: Tape, setting: Setting, holder: list[Shadow], one_row: bool) -> Shadow:
    """transformers 4.3x to 4.49: an fp32 copy and a contiguous shifted copy of that.

    Granite lets go of its 16-bit logits first. GPT-BigCode makes no fp32 copy of logits that it has in 16 bits, and in the
    published rows its logits live on through the backward pass: set from rows, see the table of constants.
    """
    logits = holder.pop()
    narrow = setting.arch.family == "gpt_bigcode" and not setting.quantized
    upcast = logits if narrow else cast(tape, logits, 4)
    if setting.arch.scaled:
        del logits
    if setting.arch.family == "gpt_bigcode":
        tape.held += [logits.storage, upcast.storage]
    shifted = slice_of(tape, upcast, 1.0) if one_row else _shifted(tape, upcast)
    return _in_place(tape, shifted) if setting.fused else _cross_entropy(tape, shifted)


def _cross_entropy(tape: Tape, logits: Shadow) -> Shadow:
    """Log-softmax, which is kept, and negative log-likelihood, whose gradient is written into zeros of the same size."""
    out = new(tape, logits.elements, logits.bytes)
    kept = save(tape, 2, out, new(tape, tokens(1), 8))  # and the labels
    elements, width, node = logits.elements, logits.bytes, logits.node
    result = new(tape, fixed(1), 4)
    del out

    def back(g: Shadow) -> tuple[Shadow]:
        likelihood = new(tape, elements, width, "logits")
        given = new(tape, elements, width, "logits")
        del likelihood
        return (given,)

    return record(tape, result, (node,), kept, back)


def _shifted(tape: Tape, x: Shadow) -> Shadow:
    """`logits[..., :-1, :].contiguous()`: a copy; its gradient is written into zeros of the whole size."""
    out = new(tape, x.elements, x.bytes)
    elements, width = x.elements, x.bytes
    return record(tape, out, (x.node,), (), lambda g: (new(tape, elements, width, "logits"),))


def _in_place(tape: Tape, logits: Shadow) -> Shadow:
    """Triton cross-entropy: the gradient is written over the logits; one fp32 number a token is kept."""
    kept = save(tape, 2, logits, new(tape, tokens(1), 4))
    holder = [Shadow(logits.storage, logits.elements, logits.bytes)]
    return record(tape, new(tape, fixed(1), 4), (logits.node,), kept, lambda g: (holder.pop(),))


def _by_parts(tape: Tape, setting: Setting, loss: Loss, hidden: Shadow, head_bytes: int) -> Shadow:
    """Linear and loss over parts of the tokens. Fused (Hsu et al. 2024, 2410.10989, §3.2): gradients are made in the forward pass."""
    arch = setting.arch
    name = "embed" if arch.tied else "head"
    width, node, elements = hidden.bytes, hidden.node, hidden.elements
    if loss.kind == "fused":
        rows = arch.embed_width  # its part has about b·s·h/V tokens, so that b·s·h numbers bound a part's logits
        given = new(tape, elements, width)
        part = [new(tape, tokens(rows), 2), new(tape, tokens(rows), 4)]
        if setting.trains:
            parameter_gradient(tape, name, arch.vocab * arch.embed_width, head_bytes)
        del part
        kept = save(tape, 1, given)
        holder = [given]
        del given
        return record(tape, new(tape, fixed(1), 4), (node,), kept, lambda g: (holder.pop(),))
    kept = save(tape, 2, hidden, new(tape, tokens(arch.vocab), 2))
    part = [new(tape, tokens(arch.vocab / CHUNKS), 4), new(tape, tokens(arch.vocab / CHUNKS), 4)]
    del part

    def back(g: Shadow) -> tuple[Shadow]:
        wide = [new(tape, tokens(arch.vocab / CHUNKS), 4, "logits") for _ in range(3)]
        narrow = new(tape, tokens(arch.vocab), 2, "logits")
        del wide
        result = new(tape, elements, width)
        if setting.trains:
            parameter_gradient(tape, name, arch.vocab * arch.embed_width, head_bytes)
        del narrow
        return (result,)

    return record(tape, new(tape, fixed(1), 4), (node,), kept, back)


def _classify(tape: Tape, setting: Setting, loss: Loss, hidden: Shadow) -> Shadow:
    """A small head on pooled features (BERT) or on every position, of which the last is used."""
    arch = setting.arch
    width = setting.weight_bytes if setting.trains else setting.adapter_bytes
    if arch.block == "bert":
        hidden = Shadow(hidden.storage, ((B, arch.hidden),), hidden.bytes, _narrow(tape, hidden))
        inside = arch.family == "roberta"  # its dense layer is part of the head, and learns with it
        for index in range(len(arch.outer)):
            bytes_, trains = (width, True) if inside else (setting.weight_bytes, setting.trains)
            hidden = pointwise(tape, product(tape, hidden, f"pool{index}", arch.hidden, arch.hidden, bytes_, trains, True))
    scores = product(tape, hidden, "classifier", loss.classes, arch.hidden, width, True)
    elements = scores.elements
    return record(tape, new(tape, fixed(1), 4), (scores.node,), (), lambda g: (new(tape, elements, 2),))


def _narrow(tape: Tape, hidden: Shadow):  # type: ignore[no-untyped-def]
    """First position of each row; its gradient is written into zeros of the whole size."""
    if hidden.node is None:
        return None
    elements, width = hidden.elements, hidden.bytes
    first = Shadow(hidden.storage, ((B, 1.0),), width)
    return record(tape, first, (hidden.node,), (), lambda g: (new(tape, elements, width),)).node
