"""Decoding says what transformers' own generate says, whatever the lengths, and samples from the distribution it is told to."""

import torch

from engine.models import load
from engine.objectives.decode import decode, pick
from engine.objectives.rows import prompt_ids
from engine.tasks import load as load_task


def test_greedy_equals_generate_for_prompts_of_all_lengths():
    model, tokenizer = load("nano-0.5m")
    prompts = [prompt_ids(tokenizer, example.prompt)[: 4 + 3 * i] for i, example in enumerate(load_task("stories").heldout[:8])]
    ours = decode(model, prompts, tokenizer.pad_token_id, 48)
    assert len({len(said) for said in ours}) > 1, "rows end at different steps, so rows leave the batch"
    for prompt, said in zip(prompts, ours, strict=True):
        ids = torch.tensor([prompt])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=48, do_sample=False, pad_token_id=0)[
            0, len(prompt) :
        ].tolist()
        assert said == [token for token in out if token != tokenizer.eos_token_id]


def test_sampling_follows_softmax_and_a_seed_repeats_it():
    logits = torch.tensor([[0.0, 1.0, 2.0]]).repeat(20_000, 1)
    drawn = pick(logits, 0.5, torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn[:, 0], minlength=3) / 20_000
    torch.testing.assert_close(shares, (logits[0] / 0.5).softmax(-1), atol=0.02, rtol=0)
    assert torch.equal(drawn, pick(logits, 0.5, torch.Generator().manual_seed(0)))


def test_no_prompts_no_answers():
    model, tokenizer = load("nano-0.1m")
    assert decode(model, [], tokenizer.pad_token_id, 4) == []


def test_a_frozen_output_layer_is_not_copied_for_each_prompt():
    """For a slice of the hidden states torch would multiply by a batch of its copies, (prompts, d, vocabulary)."""
    model, tokenizer = load("nano-0.5m")
    model.requires_grad_(False)
    vocabulary, d = model.get_output_embeddings().weight.shape
    prompts = [prompt_ids(tokenizer, example.prompt) for example in load_task("stories").heldout[:32]]
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True) as seen:
        decode(model, prompts, tokenizer.pad_token_id, 2)
    shapes = [shape for event in seen.events() for shape in event.input_shapes]
    assert [vocabulary, d] in shapes and [len(prompts), d, vocabulary] not in shapes
