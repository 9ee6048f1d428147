"""The sum checked against the model's real code: one step on weightless tensors, as a run in the queue."""

from __future__ import annotations

import streamlit as st

from engine.jobs import traces
from engine.planner.answer import Answer
from engine.planner.memory import GIB
from lessons.panels.planner_fit import markdown_table
from lessons.text import say

POLL_SECONDS = 1.0


def trace(a: Answer) -> None:
    """Start a trace, watch it, and put it beside the sum."""
    st.markdown(_say("lead"))
    state = traces.look(a.options)
    if state.state != "running" and st.button(_say("start"), key="calculator-trace", type="primary"):
        state = traces.start(a.options)
    live = state.state == "running"
    st.fragment(_watch, run_every=POLL_SECONDS if live else None)(a, state if state.state == "failed" else None)


def _say(key: str, **values: object) -> str:
    return say("calculator", f"trace.{key}", **values)


def _watch(a: Answer, told: traces.TraceState | None = None) -> None:
    state = told or traces.look(a.options)
    if state.state == "running":
        st.info(_say("running", phase=state.phase))
    elif state.state == "failed":
        st.warning(state.sentence)
    elif state.result is not None:
        _beside(a, state.result)


def _beside(a: Answer, result: dict[str, object]) -> None:
    markdown_table([row for row in side_by_side(a, result) if {row[_say("sum")], row[_say("trace")]} != {"0.000"}])
    st.caption(_say("done", seconds=result["seconds"]))


def side_by_side(a: Answer, result: dict[str, object]) -> list[dict[str, str]]:
    """The sum beside the trace, term by term as far as a trace tells them apart."""
    traced: dict[str, float] = result["terms_gib"]  # type: ignore[assignment]
    own = {name: value / GIB for name, value in a.estimate.terms_bytes.items() if name != "framework"}
    apart = ["weights", "quant_constants", "adapters", "gradients", "activations", "recomputation", "logits"]
    # what is born in the optimizer's step is its states or lives for a moment, and a trace cannot tell which; nor what bitsandbytes unpacks
    together = {"temporaries": ("temporaries", "dequantization")}
    if result["phase"] == "step":
        together = {_say("optimizer_and_temporaries"): ("optimizer", "temporaries", "dequantization")}
    else:
        apart.insert(4, "optimizer")
    rows = [_pair(name, own.get(name, 0.0), traced.get(name, 0.0)) for name in apart]
    rows += [_pair(name, sum(own.get(n, 0.0) for n in of), sum(traced.get(n, 0.0) for n in of)) for name, of in together.items()]
    rows.append(_pair(_say("peak"), sum(own.values()), float(str(result["peak_allocated_gib"]))))
    return rows


def _pair(name: str, own: float, traced: float) -> dict[str, str]:
    difference = f"{100 * (own / traced - 1):+.2f}%" if traced else ""
    term = name.replace("_", " ")
    return {_say("term"): term, _say("sum"): f"{own:.3f}", _say("trace"): f"{traced:.3f}", _say("difference"): difference}
