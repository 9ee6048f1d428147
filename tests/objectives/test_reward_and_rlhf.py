"""The reward model's loss and the policy gradient against sums by hand; both objectives run and move what they are to move."""

import itertools
import math

import pytest
import torch

from engine.catalog.defaults import default_spec
from engine.contracts import Ended, Step
from engine.objectives.reward import reward_loss
from engine.objectives.rlhf import fit, leave_one_out, policy_loss
from engine.training import train

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
