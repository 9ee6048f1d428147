"""Prompt and prefix tuning: equal to PEFT's own, to reading the text itself, and to themselves with a cache."""

import base64
import json
import warnings

import numpy as np
import peft
import pytest
import torch

from engine.adapt import METHODS
from engine.adapt.virtual import start_vectors
from engine.catalog.check import check
from engine.catalog.defaults import default_spec
from engine.contracts import SpecError
from engine.models import load
from engine.objectives.decode import decode
from engine.objectives.rows import IGNORE, collate, make_row, prompt_ids
from engine.objectives.sft import sft_loss
from engine.tasks import load as load_task
from engine.training.soft_prompt import attention_to_virtual, nearest_tokens, write_soft_prompt

MODEL, K = "nano-0.1m", 6
PEFT_TYPES = {"prompt": peft.PromptTuningConfig, "prefix": peft.PrefixTuningConfig}


def adapted(method: str, **changes):
    spec = default_spec(MODEL, "stories", method, **{"virtual_tokens": K, "token_init": "text", "dtype": "fp32", **changes})
    torch.manual_seed(0)
    model, tokenizer = load(MODEL)
    return METHODS[method](model, spec), tokenizer


def stir(adaptation) -> None:
    """Move what is learned away from its start, as training does."""
    with torch.no_grad():
        for tensor in adaptation.trainable():
            tensor += 0.3 * torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1))


def rows_of_all_lengths(tokenizer):
    rows = [make_row(tokenizer, example, 128) for example in load_task("stories").train[:4]]
    return [row._replace(ids=row.ids[3 * i :]) for i, row in enumerate(rows)]


def logits_of(model, batch) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions).logits


def padded_right(rows) -> dict[str, torch.Tensor]:
    """The rows as PEFT wants them: it ignores positions in prompt tuning, and on the right padding needs none."""
    width = max(len(row.ids) for row in rows)
    ids, labels, mask = (
        torch.zeros(len(rows), width, dtype=torch.long),
        torch.full((len(rows), width), IGNORE),
        torch.zeros(len(rows), width),
    )
    for i, row in enumerate(rows):
        n = len(row.ids)
        ids[i, :n], mask[i, :n] = torch.tensor(row.ids), 1
        labels[i, n - row.answer_tokens : n] = torch.tensor(row.ids[-row.answer_tokens :])
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def peft_twin(method: str, vectors: torch.Tensor) -> peft.PeftModel:
    """PEFT's own model with these vectors in it."""
    model, _ = load(MODEL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        twin = peft.get_peft_model(model, PEFT_TYPES[method](task_type="CAUSAL_LM", num_virtual_tokens=K))
    with torch.no_grad():
        twin.prompt_encoder["default"].embedding.weight.copy_(vectors.reshape(K, -1))
    return twin


@pytest.mark.parametrize("method", PEFT_TYPES)
def test_loss_gradient_and_count_equal_pefts_whatever_the_padding(method):
    adaptation, tokenizer = adapted(method)
    stir(adaptation)
    (learned,) = adaptation.trainable()
    rows = rows_of_all_lengths(tokenizer)
    loss = sft_loss(adaptation.model, collate(rows, tokenizer.pad_token_id))
    loss.backward()
    twin = peft_twin(method, learned.detach())
    theirs = twin(**padded_right(rows)).loss
    theirs.backward()
    assert loss.item() == pytest.approx(theirs.item(), rel=1e-5)
    gradient = twin.prompt_encoder["default"].embedding.weight.grad
    torch.testing.assert_close(learned.grad.reshape(K, -1), gradient, atol=1e-6, rtol=1e-4)
    assert learned.numel() == twin.get_nb_trainable_parameters()[0]


@pytest.mark.parametrize(("method", "changes"), [("prompt", {}), ("prefix", {}), ("prefix", {"reparametrise": True})])
def test_saved_adapter_loads_in_plain_peft_with_equal_logits(method, changes, tmp_path):
    adaptation, tokenizer = adapted(method, **changes)
    stir(adaptation)
    adaptation.save(tmp_path)
    base, _ = load(MODEL)
    loaded = peft.PeftModel.from_pretrained(base, tmp_path / "adapter")
    batch = collate([make_row(tokenizer, load_task("stories").train[0], 128)], tokenizer.pad_token_id)
    with torch.no_grad():
        theirs = loaded.eval()(input_ids=batch.ids, attention_mask=batch.mask).logits[:, -batch.ids.shape[1] :]
    torch.testing.assert_close(logits_of(adaptation.model, batch), theirs, atol=1e-4, rtol=1e-4)
    assert sum(f.stat().st_size for f in (tmp_path / "adapter").glob("*.safetensors")) < 4 * K * (48 if method == "prompt" else 288) + 200


@pytest.mark.parametrize(("method", "changes"), [("prompt", {}), ("prefix", {}), ("prefix", {"reparametrise": True})])
def test_before_training_the_model_has_read_the_instruction_as_text(method, changes):
    adaptation, tokenizer = adapted(method, **changes)
    text = tokenizer(load_task("stories").instruction).input_ids[:K]
    row = make_row(tokenizer, load_task("stories").train[0], 128)
    after_text, _ = load(MODEL)
    read = logits_of(after_text, collate([row._replace(ids=text + row.ids)], 0))[:, K:]
    torch.testing.assert_close(logits_of(adaptation.model, collate([row], 0)), read, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("method", PEFT_TYPES)
def test_cached_decoding_says_what_whole_forward_passes_say(method):
    adaptation, tokenizer = adapted(method)
    stir(adaptation)
    prompts = [prompt_ids(tokenizer, example.prompt)[2 * i :] for i, example in enumerate(load_task("stories").heldout[:4])]
    said = decode(adaptation.model, prompts, tokenizer.pad_token_id, 12)
    for prompt, answer in zip(prompts, said, strict=True):
        ids = list(prompt)
        for _ in range(12):
            one = torch.tensor([ids])
            positions = torch.arange(len(ids))[None]
            with torch.no_grad():
                logits = adaptation.model(
                    input_ids=one, attention_mask=torch.ones_like(one), position_ids=positions, use_cache=False
                ).logits
            ids.append(int(logits[0, -1].argmax()))
            if ids[-1] == tokenizer.eos_token_id:
                break
        assert answer == [token for token in ids[len(prompt) :] if token != tokenizer.eos_token_id]


@pytest.mark.parametrize("method", PEFT_TYPES)
def test_random_starts_follow_the_seed_and_the_spread_of_what_they_stand_for(method):
    random, text = adapted(method, token_init="random")[0], adapted(method)[0]
    assert torch.equal(random.start, adapted(method, token_init="random")[0].start)
    assert not torch.equal(random.start, text.start)
    assert 0.5 < random.start.std() / text.start.std() < 2


def test_text_is_repeated_to_as_many_tokens_as_are_asked_for():
    model, tokenizer = load(MODEL)
    text = tokenizer(load_task("stories").instruction).input_ids
    spec = default_spec(MODEL, "stories", "prompt", virtual_tokens=len(text) + 2, token_init="text")
    assert torch.equal(start_vectors(model, spec), model.get_input_embeddings().weight[text + text[:2]])


def test_virtual_tokens_count_towards_the_context():
    with pytest.raises(SpecError, match=r"virtual_tokens=60 .* 96 .* context of nano-0.1m, 128; use 32 or less"):
        check(default_spec(MODEL, "stories", "prompt", virtual_tokens=60))


def test_nearest_tokens_find_planted_words():
    model, tokenizer = load(MODEL)
    table = model.get_input_embeddings().weight
    found = nearest_tokens(table[[50, 70]] * 3, table, tokenizer, n=2)
    assert [near[0].id for near in found] == [50, 70] and [near[0].text for near in found] == [
        tokenizer.decode([50]),
        tokenizer.decode([70]),
    ]
    assert all(near[0].cosine == pytest.approx(1, abs=1e-5) and near[1].cosine < near[0].cosine for near in found)


@pytest.mark.parametrize("method", PEFT_TYPES)
def test_attention_to_virtual_positions_is_that_to_the_text_before_training(method):
    adaptation, tokenizer = adapted(method)
    text = tokenizer(load_task("stories").instruction).input_ids[:K]
    rows = rows_of_all_lengths(tokenizer)
    paid = attention_to_virtual(adaptation, collate(rows, tokenizer.pad_token_id))
    assert paid.shape == (3, K)
    base, _ = load(MODEL)
    expected = []
    for row in rows:
        with torch.no_grad():
            weights = base(input_ids=torch.tensor([text + row.ids]), output_attentions=True).attentions
        expected.append(torch.stack([layer[0, :, -row.answer_tokens :, :K].mean(0).sum(0) for layer in weights]))
    torch.testing.assert_close(paid, sum(expected) / sum(row.answer_tokens for row in rows), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("method", PEFT_TYPES)
def test_the_written_soft_prompt_holds_vectors_and_words_in_one_space(method, tmp_path):
    adaptation, tokenizer = adapted(method)
    write_soft_prompt(adaptation, tokenizer, collate(rows_of_all_lengths(tokenizer), tokenizer.pad_token_id), tmp_path)
    about = json.loads((tmp_path / "soft_prompt.json").read_text())
    vectors, start, words = (
        np.frombuffer(base64.b64decode(text), "<f2").reshape(-1, about["d"])
        for text in (about["vectors"], about["start"], about["words"]["vectors"])
    )
    assert vectors.shape == (K, 48) and np.array_equal(vectors, start)
    text = [tokenizer.decode([i]) for i in tokenizer(load_task("stories").instruction).input_ids[:K]]
    assert [near[0]["token"] for near in about["nearest"]] == text, "before training each vector is its own word"
    assert about["words"]["tokens"] == list(dict.fromkeys(text)) and len(words) == len(set(text))
    assert np.array(about["attention"]).shape == (3, K)
