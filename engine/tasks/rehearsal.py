"""What a run rehearses so as not to forget it: old data, or what stands in for it.

A nano model's old data are at hand: stories drawn from the grammar, with the shares of endings and voices that pretraining drew.
A chat model's are not, so ordinary prompts are asked and the base's own answers stand in (after Huang et al. 2024, 2403.01244). No
prompt shares a run of five words with the forgetting probe or with a task, so the probe stays text that no run trains on.
"""

from __future__ import annotations

import random

from engine.models.nano.grammar import draw_story
from engine.tasks.task import Example

LONGEST_ANSWER_TOKENS = 32
"""Where a base's own answer is cut: rows stay short, and the first step comes soon."""
STORIES = 256
_SEED = 7_000_003

PROMPTS = tuple(
    """
How can I remember names better?
What should I pack for a weekend trip?
Why do we yawn?
Describe the taste of a lemon.
Give me a name for a small grey cat.
How do magnets work?
What is a good way to start a letter?
Explain gravity to a child.
Who was Marie Curie?
Tell me something about penguins.
What can I cook with rice and tomatoes?
Why is the sky blue?
List three colors that go well together.
How does a bicycle stay upright?
When should I plant tulips?
Suggest a title for a story about a lost key.
What is the meaning of the word curious?
How long does it take to walk five miles?
Why do people tell jokes?
Write one sentence about the sea.
What is a good gift for a grandmother?
How do I apologize to a colleague?
What makes popcorn pop?
Describe a busy market.
How do airplanes stay in the air?
What is a triangle?
Give two reasons to read every day.
What was life like in ancient Rome?
How can I stay calm before an exam?
Why do onions make us cry?
Translate "good morning" into French.
How do a lake and a pond differ?
Rewrite this politely: Give me the report.
What do owls eat?
How do I water a cactus?
Name a sport that is played on ice.
What is a password, and why does it matter?
How are pencils made?
Tell me how to tie a shoe.
What happens when ice melts?
Why do we dream?
Suggest a name for a bakery.
What should I say to a new neighbor?
How does a camera take a picture?
What is jazz music?
Describe your perfect Sunday.
Why do stars twinkle?
Ask me a polite question about my weekend.
What is a fair way to share a cake?
How do spiders make their webs?
Is it safe to swim after lunch?
How do you spell the number after eleven?
How do I choose a ripe melon?
Write a friendly greeting for a classroom door.
What are taxes used for?
Why do dogs wag their tails?
How does soap clean our hands?
What is an honest way to say no?
Explain why the moon changes its shape.
What is a proverb? Give one.
How do I keep plants alive while I travel?
Which is heavier, a pound of feathers or a pound of iron?
What does an engineer do all day?
How can two people share one bicycle?
""".strip().split("\n")
)


def rehearsed(models: str, count: int) -> tuple[Example, ...]:
    """The first examples to rehearse, at most `count`, for "chat" or "nano" models; without an answer where the base has to give it."""
    if models == "chat":
        return tuple(Example(prompt, "") for prompt in PROMPTS[:count])
    rng = random.Random(_SEED)
    stories = [draw_story(rng) for _ in range(min(count, STORIES))]
    return tuple(Example(story.opening, story.rest, story.facts.hero) for story in stories)
