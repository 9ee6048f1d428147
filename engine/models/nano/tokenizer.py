"""The nano models' tokenizer: one token a word, made from the grammar's vocabulary."""

from __future__ import annotations

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from engine.models.nano.grammar import CONTROLS, END, PAD, UNKNOWN, VOCABULARY

CONCATENATE = (
    "{% for message in messages %}{{ message['content'] }}{% if message['role'] == 'assistant' %}{{ eos_token }}"
    "{% elif not loop.last %} {% endif %}{% endfor %}"
)
"""Chat template: what the user says, then what the assistant says, then the end token. There are no role words."""


def make_tokenizer(context_tokens: int) -> PreTrainedTokenizerFast:
    """Words and punctuation marks are tokens; any word that the grammar lacks becomes <unk>."""
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(VOCABULARY)}, unk_token=UNKNOWN))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.decoder = decoders.WordPiece(prefix="##", cleanup=True)  # no word starts with ##: this only mends spaces before marks
    words.add_special_tokens([AddedToken(token, special=True) for token in (PAD, END, UNKNOWN, *CONTROLS)])
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        additional_special_tokens=list(CONTROLS),
        padding_side="left",
        model_max_length=context_tokens,
        clean_up_tokenization_spaces=False,
        chat_template=CONCATENATE,
    )
