"""How a run ends that cannot go on, and that it promises only what it has kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from engine.catalog.defaults import default_spec
from engine.contracts import NOT_FINITE, Ended, RunSpec
from engine.objectives import sft
from engine.training import observe, train


def spec(method: str = "lora") -> RunSpec:
    return default_spec("nano-0.1m", "stories", method, steps=4, examples=8, micro_batch=2, eval_every=0)


def last(spec: RunSpec, **how: object) -> Ended:
    *_, ended = train(spec, **how)
    assert isinstance(ended, Ended)
    return ended


@pytest.fixture
def break_at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the loss of a step go through a fault."""

    def patch(step: int, fault: Callable[[torch.Tensor], torch.Tensor]) -> None:
        real, seen = sft.sft_loss, []

        def loss(model: torch.nn.Module, batch: object) -> torch.Tensor:
            seen.append(batch)
            return fault(real(model, batch)) if len(seen) == step else real(model, batch)

        monkeypatch.setattr(sft, "sft_loss", loss)

    monkeypatch.setattr(observe.Run, "look_at_base", lambda self: iter(()))
    return patch


@pytest.mark.parametrize(
    ("method", "step", "keep_model", "kept"),
    [("lora", 3, False, "adapter"), ("lora", 1, False, None), ("full", 3, False, None), ("full", 3, True, "model")],
)
def test_only_what_was_saved_is_said_to_be_kept(break_at, tmp_path: Path, method, step, keep_model, kept) -> None:
    break_at(step, lambda loss: loss * float("nan"))
    ended = last(spec(method), out=tmp_path, keep_model=keep_model)
    assert (ended.status, ended.step) == ("failed", step - 1) and ended.sentence.startswith(f"{NOT_FINITE} at step {step}")
    assert ended.remedy.startswith("Try a learning rate of ")
    assert ("What was learned up to step 2 is kept." in ended.remedy) == (kept is not None)
    assert [path.name for path in tmp_path.iterdir()] == ([kept] if kept else [])


def test_without_a_folder_nothing_is_said_to_be_kept(break_at) -> None:
    break_at(3, lambda loss: loss * float("nan"))
    assert "kept" not in last(spec()).remedy


def test_a_cpu_without_memory_ends_the_run_with_its_sentence(break_at) -> None:
    break_at(2, lambda loss: torch.empty(10**15))
    ended = last(spec())
    assert (ended.status, ended.sentence) == ("failed", "The run needs more memory than this machine has free.")
    assert "micro_batch" in ended.remedy and ended.step == 1


def test_a_disk_that_is_full_when_weights_are_saved(break_at, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(observe.Run, "save_snapshot", full)
    ended = last(spec(), out=tmp_path)
    assert (ended.status, ended.sentence) == ("failed", "The disk is full.")


def test_a_fault_that_nobody_foresaw_is_not_explained_away(break_at) -> None:
    break_at(2, lambda loss: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        last(spec())
