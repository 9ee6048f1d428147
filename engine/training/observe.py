"""Looking at a run: its loaded parts, what the model says and loses at a step, and what the run leaves behind."""

from __future__ import annotations

import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import torch

from engine.adapt import METHODS, Adaptation, PrefixTuning, PromptTuning
from engine.catalog import device
from engine.catalog.check import check
from engine.catalog.models import is_nano
from engine.contracts import Answer, Artifact, Ended, Evaluated, Event, Phase, Probed, RunSpec, Started, Step
from engine.models import load
from engine.objectives import OBJECTIVES, Objective
from engine.objectives.answers import answers, loss_on, score
from engine.objectives.rows import collate, make_rows
from engine.tasks import Example, Task, load_probe
from engine.tasks import load as load_task
from engine.training.base_look import BaseLook
from engine.training.inspect import drift, kl_to_base, reach, write_delta
from engine.training.soft_prompt import write_soft_prompt

GLANCE = 8
"""Held-out prompts in a look on the way; the first and the last look take all of them."""
SPEAKING = ("sft", "dpo", "rlhf")
"""Objectives after which the model still answers in words, so that its words can be compared with the base's."""
LIBRARIES = ("torch", "transformers", "peft", "numpy")
Found = TypeVar("Found")


class Run:
    """One run's loaded parts: model, adaptation, rows, and what was seen so far."""

    def __init__(self, spec: RunSpec, out: Path | None, keep_model: bool) -> None:
        check(spec)
        self.spec, self.out, self.keep_model = spec, out, keep_model
        self.began = time.perf_counter()
        self.where = device.resolve(spec.dtype)
        if is_nano(spec.model):  # its matrices are too small to share: a second thread only waits
            self.where = self.where._replace(threads=1)
        torch.set_num_threads(self.where.threads)
        torch.manual_seed(spec.seed)
        model, self.tokenizer = load(spec.model, self.where.dtype, self.where.device)
        self.total_params = sum(p.numel() for p in model.parameters())
        self.adaptation: Adaptation = METHODS[spec.method](model, spec)
        self.task: Task = load_task(spec.task)
        self.objective: Objective = OBJECTIVES[spec.objective](self.adaptation, self.tokenizer, self.task, spec)
        self.probe = load_probe(self.task.models)
        self.probe_rows = make_rows(self.tokenizer, self.probe.examples, self.adaptation.model)
        self.trainable_params = sum(p.numel() for p in self.adaptation.trainable() + self.objective.trainable())
        self.base_answers: list[str] = []
        self.look_seconds = 0.0
        self.versions = {name: version(name) for name in LIBRARIES}
        self.device_name = device_name(self.where.device)
        self.base_look = BaseLook(spec, self.where, self.device_name, self.versions)

    def started(self) -> Started:
        spec, where = json.loads(self.spec.to_json()), self.where
        counts = (self.total_params, self.trainable_params)
        return Started(spec, self.spec.hash, where.device, self.device_name, where.dtype, where.threads, *counts, self.versions)

    def look_at_base(self) -> Iterator[Event]:
        """Score the base after the first step, so that the first step shows at once; the adaptation is switched off."""
        yield Phase("scoring", "the base model, on prompts it will not train on")
        self.base = self.look(0, len(self.task.heldout))
        yield self.base
        self.probed = self.look_at_probe(0)
        self.base_look.save()
        yield self.probed
        yield Phase("training", f"{self.spec.steps} steps")

    def look(self, step: int, prompts: int) -> Evaluated:
        """Answer, score and measure the model as it stands on the first `prompts` held-out prompts; step 0 is the base."""
        began = time.perf_counter()
        examples = self.task.heldout[:prompts]
        with self.standing(step):
            said = self.said(step, examples)
            loss = self.found(step, "loss", self.task.heldout, lambda: self.objective.heldout_loss(self.task.heldout))
            measures = self.objective.measures(examples, said)
            if examples == self.task.heldout:
                measures = {**measures, **self.asides(step)}
        if step == 0:
            self.base_answers = said
        found = score(self.task, examples, said)
        shown = tuple(self.answer(*triple) for triple in zip(examples, self.base_answers, said, strict=False))
        moved = drift(self.adaptation) if step else 0.0
        if step:
            measures = {**measures, **reach(self.adaptation, self.spec)}
            self.save_snapshot()
        self.look_seconds = self.found(step, "seconds a prompt", examples, lambda: (time.perf_counter() - began) / prompts)
        return Evaluated(step, found.score, found.fact_score, len(examples), loss, moved, shown, measures)

    def answer(self, example: Example, base: str, tuned: str) -> Answer:
        fact = self.task.holds_fact(example, tuned) if self.task.holds_fact else None
        return Answer(example.prompt, base, tuned, self.task.score(example, tuned), fact)

    def asides(self, step: int) -> dict[str, float]:
        """The score of each group of prompts that the task asks beside its held-out ones."""
        return {f"{name}_score": score(self.task, group, self.said(step, group)).score for name, group in self.task.asides.items()}

    def said(self, step: int, examples: Sequence[Example]) -> list[str]:
        return self.found(step, "answers", (examples, self.task.max_new_tokens), lambda: self.objective.answers(examples))

    def found(self, step: int, name: str, asked: object, find: Callable[[], Found]) -> Found:
        """What `find` gives; of the base, what it once gave for the same question."""
        return find() if step else self.base_look.get(name, asked, find)

    def standing(self, step: int) -> AbstractContextManager[None]:
        """The model as it is to be looked at: the base at step 0, the tuned one afterwards; two faults of the clinic mix them up."""
        if step == 0:
            return nullcontext() if self.spec.fault == "compared-with-itself" else self.objective.as_base()
        return self.objective.as_base() if self.spec.fault == "adapter-off" else nullcontext()

    def kl_to_base(self, step: int) -> float:
        rows = make_rows(self.tokenizer, self.task.heldout[:GLANCE], self.adaptation.model)  # a few: two passes over all would take seconds
        with self.standing(step):
            return kl_to_base(self.adaptation, self.objective.as_base, rows, self.tokenizer.pad_token_id)

    def look_at_probe(self, step: int) -> Probed:
        """What the model as it stands does with text and questions that no task trains on."""
        model, tokenizer, probe = self.adaptation.model, self.tokenizer, self.probe
        with self.standing(step):
            loss = self.found(step, "probe", self.probe_rows, lambda: loss_on(model, self.probe_rows, tokenizer.pad_token_id))
            asked = (probe.asked, probe.max_new_tokens)
            said = self.found(step, "probe answers", asked, lambda: answers(model, tokenizer, *asked))
        right = [probe.holds(example, answer) for example, answer in zip(probe.asked, said, strict=True)]
        return Probed(step, loss, len(self.probe_rows), sum(right) / len(right), len(right))

    def looks_left_seconds(self, step: int) -> float:
        """Time for the looks still to come, from the latest; 0 before there was one."""
        glances = (self.spec.steps - 1) // self.spec.eval_every - step // self.spec.eval_every if self.spec.eval_every else 0
        return self.look_seconds * (glances * GLANCE + len(self.task.heldout))

    def save_snapshot(self) -> bool:
        """Write the adapter as it stands, beside and renamed, so that a kill in the middle leaves the one before.
        False where nothing is to be kept."""
        if self.out is None or (self.spec.method == "full" and not self.keep_model):
            return False
        beside = self.out / ".saving"
        beside.mkdir(parents=True, exist_ok=True)
        self.adaptation.save(beside)
        self.objective.save(beside)
        # Whoever gets the adapter has no use for a path of this machine.
        for text in (*beside.glob("adapter/*.json"), *beside.glob("adapter/*.md")):
            text.write_text(text.read_text("utf-8").replace(str(self.adaptation.model.name_or_path), self.spec.model), "utf-8")
        for made in beside.iterdir():
            replace_folder(made, self.out / made.name)
        beside.rmdir()
        return True

    def finish(self, last: Step) -> Iterator[Event]:
        """The last look, the probe, ΔW, the artifacts and the result."""
        yield Phase("scoring", "the tuned model, on all held-out prompts")
        final = self.look(last.step, len(self.task.heldout))
        if self.spec.objective in SPEAKING:
            final = replace(final, metrics={**final.metrics, "kl_to_base": self.kl_to_base(last.step)})
        yield final
        probed = self.look_at_probe(last.step)
        yield probed
        artifact_bytes = 0
        if self.out is not None:
            yield Phase("inspecting", "the singular values of every ΔW")
            write_delta(self.adaptation, self.out / "delta", method=self.spec.method, spec_hash=self.spec.hash, step=last.step)
            if isinstance(self.adaptation, (PromptTuning, PrefixTuning)):
                rows = make_rows(self.tokenizer, self.task.heldout[:GLANCE], self.adaptation.model)
                batch = collate(rows, self.tokenizer.pad_token_id, self.where.device)
                write_soft_prompt(self.adaptation, self.tokenizer, batch, self.out / "delta")
            for kind in ("adapter", "head", "model", "delta"):
                if (folder := self.out / kind).exists():
                    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                    artifact_bytes += size if kind != "delta" else 0
                    yield Artifact(kind, str(folder), size)
        result = self.result(last, final, probed, artifact_bytes)
        if self.out is not None:
            (self.out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
        yield Ended("done", f"Done after {last.step} steps.", "", last.step, result)

    def result(self, last: Step, final: Evaluated, probed: Probed, artifact_bytes: int) -> dict[str, Any]:
        """What `result.json` holds. Scores are shares of held-out prompts; losses are nats per answer token."""
        spec, base = self.spec, self.base
        return {
            "spec_hash": spec.hash, "method": spec.method, "objective": spec.objective, "model": spec.model, "task": spec.task,
            "seed": spec.seed, "device": self.where.device, "dtype": self.where.dtype, "threads": self.where.threads, "steps": last.step,
            "score_before": base.score, "score_after": final.score,
            "fact_score_before": base.fact_score, "fact_score_after": final.fact_score,
            "loss_before": base.loss, "loss_after": final.loss,
            "forgetting_before": self.probed.loss, "forgetting_after": probed.loss,
            "kept_before": self.probed.score, "kept_after": probed.score, "drift": final.drift,
            "trainable_params": self.trainable_params, "total_params": self.total_params, "artifact_bytes": artifact_bytes,
            "seconds": time.perf_counter() - self.began, "tokens_per_second": last.tokens_per_second,
            "peak_memory_bytes": last.memory_bytes,
        }  # fmt: skip


def replace_folder(made: Path, final: Path) -> None:
    """Put a finished folder in the place of an older one; a kill in between leaves one of the two whole."""
    aside = final.with_name(f".old-{final.name}")
    shutil.rmtree(aside, ignore_errors=True)
    if final.exists():
        final.rename(aside)
    made.rename(final)
    shutil.rmtree(aside, ignore_errors=True)


def device_name(kind: str) -> str:
    """What the device calls itself."""
    if kind == "cuda":
        return torch.cuda.get_device_name()
    return platform.processor() or platform.machine()
