"""Equal layers counted once for all, and layers that run again on the way back."""

from __future__ import annotations

from collections.abc import Callable

from engine.planner.tape.core import TAGS, WIDTH, Node, Shadow, Tape, backward, record, view


class Bulk:
    """Adds what one unit leaves behind as often as it is repeated, and takes it away on the way back."""

    def __init__(self, tape: Tape, copies: int) -> None:
        self.tape, self.copies = tape, copies
        self.before: list[float] = []
        self.added: list[float] = []

    def opened(self, hidden: Shadow) -> Shadow:
        self.before = self.tape.live.copy()
        self.tape.repeats = 1 + self.copies
        node = hidden.node
        out = Shadow(hidden.storage, hidden.elements, hidden.bytes)
        if node is None:
            return out
        return record(self.tape, out, (node,), (), self._left)

    def closed(self, hidden: Shadow) -> Shadow:
        tape = self.tape
        tape.repeats = 1
        self.added = [(now - was) * self.copies for now, was in zip(tape.live, self.before, strict=True)]
        tape.live[:] = [now + more for now, more in zip(tape.live, self.added, strict=True)]
        tape.jumps.append((len(tape.points), self.copies))
        tape.mark()
        out = Shadow(hidden.storage, hidden.elements, hidden.bytes)
        return record(tape, out, (hidden.node,), (), self._entered) if hidden.node is not None else out

    def _entered(self, g: Shadow) -> tuple[Shadow]:
        self.tape.repeats = 1 + self.copies
        self.before = self.tape.live.copy()
        return (view(g),)

    def _left(self, g: Shadow) -> tuple[Shadow]:
        tape = self.tape
        tape.repeats = 1
        tape.mark()
        tape.jumps.append((len(tape.points), self.copies))
        start = TAGS.index("gradients") * WIDTH
        for index in range(len(tape.live)):
            tape.live[index] -= self.added[index]
        for index in range(start, start + WIDTH):
            tape.live[index] += (tape.live[index] + self.added[index] - self.before[index]) * self.copies
        return (view(g),)


def recomputed(tape: Tape, run: Callable[[Shadow], Shadow], hidden: Shadow) -> Shadow:
    """torch.utils.checkpoint without reentry: keep the input, run the layer again when its gradient is wanted.

    The second run stops once everything that was saved in the first is back (early stop).
    """
    keeps, saves, was_tag = tape.keeps, tape.saves, tape.tag
    tape.keeps, tape.saves = False, 0
    made = run(hidden)
    count = tape.saves
    tape.keeps, tape.saves = keeps, saves
    if made.node is None:
        return made
    storage, elements, width, wants = hidden.storage, hidden.elements, hidden.bytes, hidden.node is not None
    kept = [storage]
    del storage

    def back(box: list[Shadow]) -> tuple[Shadow | None]:
        outer, cache, tag = tape.nodes, tape.cast_cache, tape.tag
        sketch_leaf, leaf = Node(), Node()
        tape.phantom, tape.cast_cache, tape.nodes = True, {}, []
        sketch = run(Shadow(kept[0], elements, width, sketch_leaf if wants else None))
        tape.phantom, nodes, tape.nodes = False, tape.nodes, []
        seeds = {sketch.node: box.pop()}
        del sketch
        tape.tag = "temporaries"
        places = {node: place for place, node in enumerate(nodes)}
        backward(tape, seeds, nodes, until_saved=True)  # type: ignore[arg-type]
        tape.tag, tape.cast_cache = "recomputation", {}
        tape.saves, tape.saves_seen, tape.stop_at = 0, 0, count
        run(Shadow(kept[0], elements, width, leaf if wants else None))
        tape.phantom, tape.stop_at = False, 0
        tape.cast_cache, tape.tag = cache, "temporaries"
        again = {leaf if node is sketch_leaf else tape.nodes[places[node]]: seeds.pop(node) for node in list(seeds)}  # type: ignore[index]
        result = backward(tape, again, tape.nodes, leaf)
        kept.clear()  # the frame that can recompute holds the layer's input as long as anything saved is left
        tape.nodes, tape.tag = outer, tag
        return (result,)

    tape.tag = was_tag
    out = record(tape, Shadow(made.storage, made.elements, made.bytes), (hidden.node,), (), back)
    assert out.node is not None
    out.node.nested = True
    return out
