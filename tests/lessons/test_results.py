"""Tables of what was measured: means and ranges of the committed rows, and one line that says where they come from."""

from __future__ import annotations

import re

import pytest

from engine.recorded import table
from engine.recorded.table import Spread, of_cell
from lessons.panels import results


@pytest.fixture
def shown(monkeypatch):
    """What a table was given, and the line under it."""
    seen: dict[str, object] = {}
    monkeypatch.setattr(results, "markdown_table", lambda rows: seen.update(rows=rows))
    monkeypatch.setattr(results.st, "caption", lambda text: seen.update(caption=text))
    return seen


def test_a_mean_has_its_range_where_seeds_differ():
    assert results.spread_text(Spread(0.5, 0.4, 0.6, 3), lambda value: f"{100 * value:.0f}%") == "50% (40% to 60%)"
    assert results.spread_text(Spread(0.5, 0.499, 0.501, 3), lambda value: f"{100 * value:.0f}%") == "50%"
    assert results.spread_text(None, str) == "–"


def test_a_row_is_the_mean_of_its_seeds(shown):
    results.methods_table("smollm2-135m-instruct", "facts", ("lora", "prompt"), ("score", "probe", "trained"))
    rows = [row for row in table.rows() if (row.spec.model, row.spec.task, row.spec.method) == ("smollm2-135m-instruct", "facts", "prompt")]
    scores = [row.result["score_after"] for row in rows]
    after = sum(row.result["forgetting_after"] for row in rows) / len(rows)
    said = list(shown["rows"][1].values())
    assert said[1] == f"{100 * sum(scores) / len(rows):.0f}% ({100 * min(scores):.0f}% to {100 * max(scores):.0f}%)"
    assert said[2].endswith(f"→ {after:.2f}") and said[3] == f"{rows[0].result['trainable_params']:,}"
    assert (
        shown["caption"].startswith("recorded · ")
        and f"mean (and range) over {len(rows)} seeds" in shown["caption"]
        and "H100" in shown["caption"]
    )


def test_what_is_not_recorded_is_left_out(shown):
    results.methods_table("smollm2-135m-instruct", "facts", ("head",), ("score",))
    assert not shown
    results.methods_table("smollm2-135m-instruct", "facts", ("head", "full"), ("score",))
    assert len(shown["rows"]) == 1


def test_the_ladder_has_every_size_plain_and_steerable(shown):
    results.ladder_table("stories", ("full", "prompt"))
    assert len(shown["rows"]) == 6
    largest = {row[next(iter(row))]: list(row.values())[2] for row in shown["rows"]}
    assert largest["Nano 2M"] == results.score(of_cell("nano-2m", "stories", "prompt"))
    assert "steerable" in list(largest)[-1]


def test_choosing_has_scores_where_measured_and_costs_where_it_fits(monkeypatch):
    from lessons.panels import choose

    seen: list[list[dict[str, str]]] = []
    monkeypatch.setattr(choose, "markdown_table", seen.append)
    choose.quality("meta-llama/Llama-2-7b-hf", "RTX 4090")
    rows = {list(row.values())[0]: list(row.values())[1:] for row in seen[0]}
    assert rows["frozen backbone and head"][:3] == ["–"] * 3 and rows["frozen backbone and head"][3].endswith("%")
    assert rows["full fine-tuning"][4:] == ["–", "–"], "it does not fit"
    assert all(value != "–" for value in rows["LoRA"])


def test_costs_name_a_card_for_each_method_that_fits_one(monkeypatch):
    from lessons.panels import choose

    seen: list[list[dict[str, str]]] = []
    monkeypatch.setattr(choose, "markdown_table", seen.append)
    choose.costs()
    rows = {(row["method"], size): job for row in seen[0] for size, job in row.items() if size != "method"}
    assert len(rows) == len(choose.SIZES) * len(choose.METHODS)
    assert rows["full fine-tuning", "Llama-2-70b-hf"] == "no single card of the list"
    cards = {job.partition(":")[0] for job in rows.values()} - {"no single card of the list"}
    assert cards <= set(choose.CARDS) and len(cards) > 2
    assert all(re.search(r": [\d.,]+ to [\d.,]+ h, [\d.,]+ to [\d.,]+ USD$", job) for job in rows.values() if ":" in job)
