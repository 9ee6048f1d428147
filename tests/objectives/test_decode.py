"""Decoding says what transformers' own generate says, whatever the lengths, and samples from the distribution it is told to."""

import torch

from engine.adapt import METHODS, four_bit
from engine.adapt.four_bit import FourBitLinear
from engine.catalog.defaults import default_spec
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


def test_a_prompt_asked_several_times_is_answered_as_if_asked_alone():
    model, tokenizer = load("nano-0.5m")
    prompts = [prompt_ids(tokenizer, example.prompt)[: 9 + i] for i, example in enumerate(load_task("stories").heldout[:3])]
    once = decode(model, prompts, tokenizer.pad_token_id, 24)
    thrice = decode(model, [prompt for prompt in prompts for _ in range(3)], tokenizer.pad_token_id, 24)
    assert thrice == [said for said in once for _ in range(3)]


def test_sampling_gives_every_token_its_place_in_a_large_vocabulary_and_none_without_a_chance():
    logits = torch.full((4_000, 49_152), -torch.inf)
    logits[:, [7, 49_151]] = 0.0
    drawn = pick(logits, 1.0, torch.Generator().manual_seed(0))[:, 0]
    assert set(drawn.tolist()) == {7, 49_151} and abs((drawn == 7).float().mean() - 0.5) < 0.03


def test_packed_layers_are_unpacked_once_for_a_text_and_packed_again(monkeypatch):
    spec = default_spec("nano-0.5m", "stories", "qlora")
    model, tokenizer = load(spec.model)
    adapted = METHODS["qlora"](model, spec).model
    layers = [m for m in adapted.modules() if isinstance(m, FourBitLinear)]
    unpackings, unpack = [], four_bit.dequantize_4bit
    monkeypatch.setattr(four_bit, "dequantize_4bit", lambda *given: unpackings.append(1) or unpack(*given))
    assert decode(adapted, [prompt_ids(tokenizer, "Tell me a story.")], tokenizer.pad_token_id, 8)[0]
    assert len(unpackings) == len(layers) > 0 and all(layer.dense is None for layer in layers)
