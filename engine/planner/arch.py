"""What a config.json says about a model, as the sizes that memory and time depend on. Nothing pasted is executed."""

from __future__ import annotations

from typing import NamedTuple


class Linear(NamedTuple):
    """One matrix that a layer multiplies by, as transformers names it inside its block."""

    path: str
    """Dotted path inside one layer, such as "self_attn.q_proj"; PEFT matches the end of it."""
    role: str
    """What it does: q, k, v, o, qkv, gate, up, down, gate_up, or cross_q ... for cross-attention."""
    out: int
    inp: int
    bias: bool = False

    @property
    def params(self) -> int:
        return self.out * self.inp + (self.out if self.bias else 0)


class Stack(NamedTuple):
    """A run of equal layers."""

    layers: int
    linears: tuple[Linear, ...]
    """One layer's matrices, in the order in which it uses them."""
    norm_params: int
    """Parameters of one layer's norms."""
    expert_params: int = 0
    """Parameters of one layer's experts (all of them); they are not separate linear modules."""
    router_params: int = 0
    extra_params: int = 0
    """Parameters outside the layers that belong to the stack: final norm, relative positions."""

    @property
    def layer_params(self) -> int:
        return sum(m.params for m in self.linears) + self.norm_params + self.expert_params + self.router_params


class Arch(NamedTuple):
    """A model's sizes. Letters in formulas: h hidden, i inner width, L layers, a heads, d head width, V vocabulary."""

    family: str
    """transformers' model_type."""
    block: str
    """Which layer program runs: llama, gemma2, parallel, gpt2, opt, bert, t5."""
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    positions: int
    """Longest sequence that the model was made for; 0 where it has no limit of its own (relative positions)."""
    tied: bool
    """The output matrix is the input embedding."""
    stacks: tuple[Stack, ...]
    embed_params: int
    """Word, position and type embeddings with their norm."""
    head_params: int
    """Output matrix and its bias; 0 for the matrix where tied, and for encoders."""
    outer: tuple[Linear, ...] = ()
    """Linear modules outside the layers: pooler, projections of OPT-350m."""
    embed_dim: int = 0
    """Width of the word embedding where it is not h."""
    norm: str = "rms"
    """rms or layer."""
    gated: bool = True
    activation: str = "silu"
    qk_norm: bool = False
    experts: int = 0
    experts_per_token: int = 0
    expert_inner: int = 0
    softcap: bool = False
    """Gemma 2: attention scores and logits go through tanh."""
    rotary_share: float = 1.0
    """Share of each head that is rotated; 0 without rotary positions."""
    scaled: bool = False
    """Granite: multipliers on embedding, residuals and logits."""
    kept_wide: tuple[str, ...] = ()
    """Roles that loading in 4 or 8 bits leaves alone (transformers' _keep_in_fp32_modules)."""
    conv1d: bool = False
    """GPT-2 keeps its matrices transposed (PEFT: fan_in_fan_out)."""

    @property
    def layers(self) -> int:
        return sum(stack.layers for stack in self.stacks)

    @property
    def embed_width(self) -> int:
        return self.embed_dim or self.hidden

    @property
    def encoder_decoder(self) -> bool:
        return len(self.stacks) == 2

    @property
    def encoder_only(self) -> bool:
        return self.block == "bert"

    @property
    def linear_params(self) -> int:
        """Elements of the matrices that 4-bit and 8-bit loading quantizes; no biases, no head (RoBERTa's pooler is its head's)."""
        inside = sum(stack.layers * sum(m.out * m.inp for m in stack.linears if m.role not in self.kept_wide) for stack in self.stacks)
        return inside + sum(m.out * m.inp for m in self.outer if not (m.role == "pool" and self.family == "roberta"))

    @property
    def expert_params(self) -> int:
        return sum(stack.layers * stack.expert_params for stack in self.stacks)

    @property
    def total_params(self) -> int:
        """Every parameter once, as `sum(p.numel() for p in model.parameters())` of transformers counts them."""
        inside = sum(stack.layers * stack.layer_params + stack.extra_params for stack in self.stacks)
        return inside + self.embed_params + self.head_params + sum(m.params for m in self.outer)

    @property
    def active_params(self) -> int:
        """Parameters that one token meets: with experts, only those chosen for it."""
        idle = self.expert_params * (1 - self.experts_per_token / self.experts) if self.experts else 0
        return round(self.total_params - idle)
