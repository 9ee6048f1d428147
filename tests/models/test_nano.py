"""The grammar, the tokenizer, the committed weights and the recipe that made them."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.models import MODELS, is_nano, model_dir, read_record
from engine.contracts import SpecError
from engine.models import load
from engine.models.nano import pretrain as recipe
from engine.models.nano.grammar import CONTROLS, END, ENDINGS, HEROES, VOCABULARY, VOICES, draw_story, is_rest, read_opening
from engine.models.nano.tokenizer import make_tokenizer

NANO = [name for name in MODELS if is_nano(name)]
SIZE_LIMIT_BYTES = 20_000_000
seeds = st.integers(0, 2**32)


@given(seeds)
def test_a_story_is_read_back_as_told(seed: int) -> None:
    story = draw_story(random.Random(seed))
    assert read_opening(story.opening) == story.facts
    looks = [(e, v) for e in ENDINGS for v in VOICES if is_rest(story.facts, story.rest, e, v)]
    assert looks == [(story.ending, story.voice)]


@given(seeds)
def test_a_wrong_hero_is_no_rest(seed: int) -> None:
    rng = random.Random(seed)
    story = draw_story(rng)
    other = rng.choice([hero for hero in HEROES if hero != story.facts.hero])
    assert not is_rest(story.facts, story.rest.replace(story.facts.hero, other), story.ending, story.voice)


@given(st.text())
def test_any_text_can_be_judged(text: str) -> None:
    story = draw_story(random.Random(0))
    assert read_opening(text) is None
    assert not is_rest(story.facts, text, "song", "cheer")


def test_same_seed_same_story() -> None:
    assert draw_story(random.Random(7)) == draw_story(random.Random(7))


def test_rare_looks_are_as_rare_as_stated() -> None:
    rng = random.Random(0)
    stories = [draw_story(rng) for _ in range(5000)]
    assert sum(s.ending == "song" for s in stories) / 5000 == pytest.approx(ENDINGS["song"], abs=0.01)
    assert sum(s.voice == "cheer" for s in stories) / 5000 == pytest.approx(VOICES["cheer"], abs=0.015)


def test_vocabulary_has_no_word_twice() -> None:
    assert len(set(VOCABULARY)) == len(VOCABULARY)


@settings(deadline=None)
@given(seeds)
def test_tokenizer_round_trip(seed: int) -> None:
    tokenizer, story = make_tokenizer(128), draw_story(random.Random(seed))
    text = f"{story.opening} {story.rest}"
    ids = tokenizer(f"{story.control} {text}{END}")["input_ids"]
    assert tokenizer.unk_token_id not in ids
    assert ids[-1] == tokenizer.eos_token_id
    assert tokenizer.convert_ids_to_tokens(ids[:2]) == story.control.split()
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_chat_template_concatenates() -> None:
    tokenizer = make_tokenizer(128)
    user, assistant = {"role": "user", "content": "One day"}, {"role": "assistant", "content": "Leo found a hat."}
    prompt = tokenizer.apply_chat_template([user], tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template([user, assistant], tokenize=False)
    assert (prompt, whole) == ("One day", "One day Leo found a hat.<end>")
    assert tokenizer(whole)["input_ids"][: len(tokenizer(prompt)["input_ids"])] == tokenizer(prompt)["input_ids"]
    assert tokenizer.padding_side == "left"
    assert len({tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id}) == 3


@pytest.mark.parametrize("name", NANO)
def test_weights_match_their_card(name: str) -> None:
    card = read_record(name)
    model, tokenizer = load(name)  # checks the SHA-256
    assert model.num_parameters() == MODELS[name].parameters
    assert len(tokenizer) == model.config.vocab_size
    assert tokenizer.convert_ids_to_tokens(range(len(VOCABULARY))) == list(VOCABULARY)
    assert recipe.validation_loss(model) == pytest.approx(card["loss"], rel=1e-3)
    settings_now = recipe.RECIPES[name.removesuffix("-control")]._asdict()
    assert {key: card[key] for key in settings_now} == settings_now


def test_larger_models_tell_better_stories() -> None:
    losses = [read_record(name)["loss"] for name in ("nano-0.1m", "nano-0.5m", "nano-2m")]
    assert losses == sorted(losses, reverse=True)


def test_committed_weights_stay_small() -> None:
    assert sum(path.stat().st_size for path in model_dir(NANO[0]).parent.rglob("*") if path.is_file()) <= SIZE_LIMIT_BYTES


def test_the_recipe_writes_a_model_that_loads_and_repeats(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(recipe.RECIPES, "nano-0.1m", recipe.Recipe(steps=4, batch_stories=4, learning_rate=1e-2))
    seen: list[int] = []
    losses = [recipe.pretrain("nano-0.1m-control", lambda step, steps, loss: seen.append(step), tmp_path / run) for run in "ab"]
    assert losses[0] == losses[1]
    assert seen == [1, 2, 3, 4] * 2
    a, b = ((tmp_path / run / "model.safetensors").read_bytes() for run in "ab")
    assert a == b


def test_control_words_are_half_of_the_twin_s_stories_and_carry_no_loss() -> None:
    tokenizer, rng = make_tokenizer(128), random.Random(0)
    batch = recipe._batch(tokenizer, [draw_story(rng) for _ in range(8)], with_control=True)
    controls = torch.tensor(tokenizer.convert_tokens_to_ids(list(CONTROLS)))
    steered = torch.isin(batch["input_ids"], controls).any(dim=1)
    assert steered.sum() == 4
    assert not torch.isin(batch["labels"], controls).any()


def test_only_nano_models_are_pretrained() -> None:
    with pytest.raises(SpecError, match="not of the nano ladder"):
        recipe.pretrain("smollm2-135m-instruct")
