"""The reward model's loss and the policy gradient against sums by hand; both objectives run and move what they are to move."""

import itertools
import json
import math
from collections import defaultdict
from dataclasses import replace
from types import SimpleNamespace

import peft
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from engine.adapt import METHODS
from engine.catalog.check import check
from engine.catalog.clinic import find_case
from engine.catalog.defaults import default_spec
from engine.contracts import Ended, Evaluated, SpecError, Step
from engine.models import load
from engine.objectives.features import look_up
from engine.objectives.linear_reward import fit, fit_to_pairs
from engine.objectives.pairs import make_pairs, worse_answers
from engine.objectives.reward import reward_loss
from engine.objectives.rlhf import RLHF, leave_one_out, policy_loss
from engine.objectives.rows import Row
from engine.tasks import load as load_task
from engine.training import observe, train

MODEL = "nano-0.1m"


def test_bradley_terry_by_hand():
    assert reward_loss(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(math.log(2))
    value = reward_loss(torch.tensor([2.0, 0.0]), torch.tensor([1.0, 3.0]))
    assert value.item() == pytest.approx((math.log(1 + math.exp(-1)) + math.log(1 + math.exp(3))) / 2)


def test_leave_one_out_by_hand():
    found = leave_one_out(torch.tensor([[1.0, 2.0, 6.0], [0.0, 0.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[1.0 - 4.0, 2.0 - 3.5, 6.0 - 1.5], [0.0, 0.0, 0.0]]))


def test_the_expected_policy_gradient_is_that_of_the_expected_reward():
    """Over all pairs of samples of a three-way choice, weighted by their probability; the reward's gradient by finite differences."""
    theta, reward = torch.tensor([0.3, -0.2, 0.5], dtype=torch.double), torch.tensor([1.0, 0.0, 3.0], dtype=torch.double)
    expected = torch.zeros(3, dtype=torch.double)
    for pair in itertools.product(range(3), repeat=2):
        logits = theta.clone().requires_grad_(True)
        log_probs = logits.log_softmax(0)[list(pair)]
        chance = log_probs.detach().sum().exp()
        (gradient,) = torch.autograd.grad(policy_loss(log_probs, leave_one_out(reward[list(pair)][None])[0]), logits)
        expected += chance * gradient
    step = 1e-5
    for i in range(3):
        up, down = (torch.softmax(theta + sign * step * torch.eye(3, dtype=torch.double)[i], 0) @ reward for sign in (1, -1))
        assert -expected[i].item() == pytest.approx(((up - down) / (2 * step)).item(), rel=1e-5)


def test_a_fitted_reward_ranks_what_can_be_ranked():
    draw = torch.Generator().manual_seed(0)
    true = torch.randn(12, generator=draw)
    a, b = torch.randn(200, 12, generator=draw), torch.randn(200, 12, generator=draw)
    first = (a @ true > b @ true)[:, None]
    w = fit(torch.where(first, a, b), torch.where(first, b, a))
    assert torch.cosine_similarity(w, true, dim=0) > 0.95


@pytest.mark.parametrize("longest", [12, 48])
def test_a_reward_is_fitted_to_answers_that_were_cut_off_as_they_stop(longest):
    """With twelve tokens every own answer is cut off, and counts with and without its end mark; with 48 none is."""
    task = replace(load_task("endings"), max_new_tokens=longest)
    model, tokenizer = load(MODEL)
    adaptation = METHODS["lora"](model, default_spec(MODEL, "endings", objective="rlhf"))
    parts, examples = (adaptation, tokenizer), task.train[:12]
    pairs = make_pairs(*parts, examples, worse_answers(*parts, task, examples, "own"))
    better = look_up(model, [pair.chosen for pair in pairs], tokenizer.pad_token_id)
    worse = look_up(model, [pair.rejected for pair in pairs], tokenizer.pad_token_id)
    as_they_stop = [Row(pair.rejected.ids[:-1], pair.rejected.answer_tokens - 1) for pair in pairs]
    both = torch.cat([worse, look_up(model, as_they_stop, tokenizer.pad_token_id)])
    with_cut, without = fit(torch.cat([better, better]), both), fit(better, worse)
    assert not torch.allclose(with_cut, without, atol=1e-3)
    torch.testing.assert_close(fit_to_pairs(*parts, task, examples, "own"), with_cut if longest == 12 else without)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_reward_model_learns_to_rank(method):
    spec = default_spec(MODEL, method=method, objective="reward", steps=12, eval_every=0)
    events = list(train(spec))
    steps, ended = [e for e in events if isinstance(e, Step)], events[-1]
    assert steps[0].loss == pytest.approx(math.log(2), abs=1e-4)
    assert isinstance(ended, Ended) and ended.status == "done" and ended.result
    assert ended.result["score_before"] == 0.5 and ended.result["loss_after"] < math.log(2)


def test_a_policy_is_moved_and_says_how(tmp_path):
    spec = default_spec(MODEL, method="lora", objective="rlhf", steps=3, eval_every=0)
    events = list(train(spec, out=tmp_path))
    steps, ended = [e for e in events if isinstance(e, Step)], events[-1]
    assert isinstance(ended, Ended) and ended.status == "done", ended
    assert {"reward", "kl", "length", "spread"} <= set(steps[0].metrics)
    assert steps[0].metrics["kl"] == pytest.approx(0, abs=1e-3), "before the first step the policy is the base"
    again = [e for e in train(spec) if isinstance(e, Step)]
    assert [s.loss for s in again] == [s.loss for s in steps], "a seed repeats the samples"


@pytest.mark.filterwarnings("ignore")
def test_bradley_terry_equals_trl():
    """TRL's trainer is fed a model that hands back known rewards, (2b, 1) with the better ones first."""
    from trl import RewardTrainer

    better, worse = torch.tensor([0.3, -1.2, 4.0]), torch.tensor([0.1, 0.8, 3.9])
    told = SimpleNamespace(
        model=SimpleNamespace(training=True), args=SimpleNamespace(center_rewards_coefficient=None), _metrics={"train": defaultdict(list)}, _total_train_tokens=0,
        _tp_size=1, accelerator=SimpleNamespace(gather=lambda found: found, gather_for_metrics=lambda found: found),
    )  # fmt: skip
    rewards = torch.cat([better, worse])[:, None]
    theirs = RewardTrainer.compute_loss(told, lambda **_: SimpleNamespace(logits=rewards), {"attention_mask": torch.ones(6, 4)})
    assert reward_loss(better, worse).item() == pytest.approx(theirs.item(), abs=1e-6)


def test_without_a_leash_the_reward_is_hacked(monkeypatch):
    """Of two runs that differ in the leash alone, the free one gains reward for words that are no story; whether the held one finds
    the story in so few steps is chance, one seed of three may miss it."""
    task = load_task("endings")
    monkeypatch.setattr(observe, "load_task", lambda _: replace(task, heldout=task.heldout[:8], max_new_tokens=32))
    seen: dict[str, list[tuple[float, ...]]] = {"base": [], "free": [], "held": []}
    for seed in range(3):
        looks = {}
        for leash in (0.0, 0.2):
            spec = find_case("reward-hacked").broken(steps=16, micro_batch=2, kl_weight=leash, eval_every=0, seed=seed)
            looks[leash] = [event for event in train(spec) if isinstance(event, Evaluated)]
        (base, free), (_, held) = looks[0.0], looks[0.2]
        assert free.metrics["reward"] > base.metrics["reward"] + 0.3 and free.score < 0.1 and held.loss < base.loss < free.loss
        for name, look in (("base", base), ("free", free), ("held", held)):
            seen[name].append((look.loss, look.metrics["reward"], look.metrics["kl"], look.score > 0.9))
    (base_loss, base_reward, *_), (free_loss, _, free_kl, _), (_, held_reward, held_kl, stories) = (
        [sum(values) / 3 for values in zip(*seen[name], strict=True)] for name in ("base", "free", "held")
    )
    assert held_reward > base_reward + 0.3 and free_loss > 2 * base_loss and free_kl > 10 * held_kl
    assert stories > 0.6


@pytest.mark.parametrize("method", ["lora", "full", "head"])
def test_a_saved_reward_model_scores_the_samples(tmp_path, monkeypatch, method):
    """Against a sum by hand: the run's own model, loaded by PEFT or transformers, read at the answer's last token, times the saved w."""
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    saved = tmp_path / "runs" / "judge7"
    reward = default_spec(MODEL, "endings", method, objective="reward", steps=4, examples=8, eval_every=0, learning_rate=3e-3)
    *_, ended = train(reward, out=saved, keep_model=True)
    assert ended.status == "done"
    judge, _ = load(MODEL)
    if method == "lora":
        judge = peft.PeftModel.from_pretrained(judge, saved / "adapter").get_base_model()
    elif method == "full":
        judge = AutoModelForCausalLM.from_pretrained(saved / "model")
    w = load_file(saved / "head" / "reward_head.safetensors")["w"]
    spec = default_spec(MODEL, "endings", objective="rlhf", examples=4, reward_model="run:judge7", dtype="fp32")
    check(spec)
    model, tokenizer = load(MODEL)
    objective = RLHF(METHODS["lora"](model, spec), tokenizer, load_task("endings"), spec)
    list(objective.prepare())
    batch = objective.sample(objective.examples[:2])
    rows = batch.rows
    with torch.no_grad():
        out = judge.eval()(input_ids=rows.ids, attention_mask=rows.mask, position_ids=rows.positions, output_hidden_states=True)
    torch.testing.assert_close(batch.rewards, out.hidden_states[-1][:, -1] @ w, atol=1e-4, rtol=1e-4)
    fitted = fit_to_pairs(objective.adaptation, tokenizer, objective.task, objective.examples, "own")
    assert not torch.allclose(batch.rewards, out.hidden_states[-1][:, -1] @ fitted, atol=0.1), "it is not the one fitted to pairs"


def test_a_reward_model_that_does_not_fit_is_refused_before_anything_loads(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    for name, result in (
        ("other", {"model": "nano-2m", "method": "lora", "objective": "reward"}), ("plain", {"model": MODEL, "method": "lora", "objective": "sft"}),
        ("packed", {"model": MODEL, "method": "qlora", "objective": "reward"}), ("bare", {"model": MODEL, "method": "head", "objective": "reward"}),
    ):  # fmt: skip
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "result.json").write_text(json.dumps(result))
    refused = {
        "absent": "no finished run",
        "other": "trained nano-2m",
        "plain": "objective sft",
        "packed": "method qlora",
        "bare": "kept no weights",
    }
    for run, sentence in refused.items():
        with pytest.raises(SpecError, match=f"reward_model=run:{run}.*{sentence}"):
            check(default_spec(MODEL, "endings", objective="rlhf", reward_model=f"run:{run}"))
    with pytest.raises(SpecError, match="must be pairs, or run:ID"):
        default_spec(MODEL, "endings", objective="rlhf", reward_model="run:../x")
    fitted = default_spec(MODEL, "endings", objective="rlhf", reward_model="pairs")
    assert fitted.hash == default_spec(MODEL, "endings", objective="rlhf").hash
