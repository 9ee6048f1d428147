"""The real transformers model and PEFT adapter of a question, without weights.

The model is put together on torch's meta device, where PEFT can move and swap parameters, and then every parameter and
buffer is replaced by a weightless tensor of the mode that is active, "on" the CPU.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import unset_fake_temporarily

from engine.contracts import SpecError
from engine.planner.arch import Arch
from engine.planner.catalogue import entries, full_id
from engine.planner.options import FOUR_BIT, Options
from engine.planner.targets import module_names

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def build(options: Options, arch: Arch) -> nn.Module:
    """Model in training mode with only what the method trains set to require gradients.

    Raises:
        SpecError: a combination that the trace cannot run; the sentence says which.
    """
    _check(options, arch)
    with unset_fake_temporarily(), torch.device("meta"):
        model = _on_meta(options, arch)
    _weightless(model)
    for module in model.modules():
        if type(module).__name__ == "T5Attention" and options.attention != "eager":
            module.dropout = 0.0
    return model


def _on_meta(options: Options, arch: Arch) -> nn.Module:
    model = _base(options, arch)
    if options.weights in FOUR_BIT:
        _quantize(model, options)
    if options.kbit_prepare:
        _to_fp32(model)
    model.train()
    if options.checkpointing != "none":
        every = 2 if options.checkpointing == "selective" else 1
        model.activation_checkpointing_enable({"use_reentrant": False}, every_n_layers=every)
    return _adapted(model, options, arch)


def _check(options: Options, arch: Arch) -> None:
    def refuse(bad: bool, sentence: str) -> None:
        if bad:
            raise SpecError(f"{sentence}; the trace cannot run it, the formulas can (python -m engine plan)")

    refuse(options.weights == "int8", "weights=int8 has no weightless kernels")
    refuse(options.gpus > 1, f"gpus={options.gpus} is more than one")
    refuse(options.offload != "none", f"offload={options.offload} moves tensors to the CPU")
    refuse(
        bool(arch.experts) and options.weights in FOUR_BIT,
        f"family {arch.family} keeps its experts in one tensor, which bitsandbytes leaves in 16 bits",
    )
    refuse(bool(arch.experts) and options.weights == "fp32", "weights=fp32 with experts has no weightless kernel")
    refuse(options.objective in ("reward", "rlhf"), f"objective={options.objective} is more than one model")
    refuse(options.logits in ("chunked", "fused", "inplace"), f"logits={options.logits} needs kernels for a GPU")
    refuse(options.optimizer not in ("adamw", "adamw-fused", "sgd"), f"optimizer={options.optimizer} has no weightless kernels")
    refuse(options.software != "hf", f"software={options.software} is not transformers and PEFT")
    refuse(
        options.trainable_dtype == "fp32" and options.weights != "fp32" and options.method == "full",
        "a separate fp32 master copy is outside torch.optim",
    )


def _base(options: Options, arch: Arch) -> Any:
    import transformers as hf

    config = dict(options.config) if options.config is not None else dict(entries()[full_id(options.model)]["config"])
    kind = config.pop("model_type")
    settings: dict[str, Any] = {"num_labels": 2} if options.objective == "classify" else {}
    special = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}  # a small vocabulary may not hold the family's own
    real = hf.AutoConfig.for_model(kind, **config, **settings, **special)
    real.use_cache = False
    if arch.encoder_decoder:
        real.decoder_start_token_id = 0
    loader: Any = hf.AutoModelForSeq2SeqLM if arch.encoder_decoder else hf.AutoModelForCausalLM
    if options.objective == "classify" or arch.encoder_only:
        loader = hf.AutoModelForSequenceClassification
    if options.attention != "eager":
        _fused_attention_drops_nothing(real)
    dtype = DTYPES.get(options.weights, torch.bfloat16)
    attention = "eager" if options.attention == "eager" else "sdpa"
    try:
        return loader.from_config(real, dtype=dtype, attn_implementation=attention)
    except ValueError as error:
        if "scaled_dot_product_attention" not in str(error):
            raise
        raise SpecError(f"attention={options.attention} is not in transformers for family {arch.family}; use eager") from None


def _fused_attention_drops_nothing(config: Any) -> None:
    """A GPU's fused attention draws its dropout inside the kernel and keeps no mask; the CPU's would be written out instead."""
    for name in ("attn_pdrop", "attention_dropout", "attention_probs_dropout_prob"):
        if hasattr(config, name):
            setattr(config, name, 0.0)


class _Packed(nn.Parameter):
    """Stands where bitsandbytes keeps its Params4bit, which cannot wrap a weightless tensor; PEFT reads these names."""

    compress_statistics: bool
    quant_type: str
    quant_state: Any
    bnb_quantized: bool


def _quantize(model: nn.Module, options: Options) -> None:
    import bitsandbytes as bnb

    heads = {id(model.get_output_embeddings())}  # type: ignore[operator]
    kept_wide = set(model._keep_in_fp32_modules or ())  # type: ignore[arg-type]
    for path, parent in list(model.named_modules()):
        for name, child in list(parent.named_children()):
            inside_head = id(child) in heads or {"score", "classifier", "lm_head"} & {name, *path.split(".")}
            if (
                not inside_head
                and name not in kept_wide
                and (type(child) is nn.Linear or type(child).__name__ in ("Conv1D", "FalconLinear"))
            ):
                setattr(parent, name, _four_bit(child, options, bnb))


def _four_bit(layer: Any, options: Options, bnb: Any) -> nn.Module:
    out, inp = layer.weight.shape if type(layer).__name__ != "Conv1D" else reversed(layer.weight.shape)
    kind, nested = options.weights.split("-")[0], options.weights.endswith("-dq")
    new = bnb.nn.Linear4bit(1, 1, bias=False, compute_dtype=torch.bfloat16, compress_statistics=nested, quant_type=kind)
    new.in_features, new.out_features = inp, out
    packed = _Packed(torch.empty(out * inp // 2, 1, dtype=torch.uint8), requires_grad=False)
    packed.compress_statistics, packed.quant_type, packed.bnb_quantized = nested, kind, True
    packed.quant_state = _quant_state(out, inp, kind, nested, bnb)
    new.weight = packed
    new.quant_state = packed.quant_state
    if layer.bias is not None:
        new.bias = nn.Parameter(layer.bias.detach(), requires_grad=False)
    new.compute_type_is_set = True
    return new


def _quant_state(out: int, inp: int, kind: str, nested: bool, bnb: Any) -> Any:
    blocks = -(-out * inp // 64)
    absmax = torch.empty(blocks, dtype=torch.uint8 if nested else torch.float32)
    outer = None
    if nested:
        outer = bnb.functional.QuantState(
            absmax=torch.empty(-(-blocks // 256)), code=torch.empty(256), blocksize=256, dtype=torch.float32, shape=absmax.shape
        )
    return bnb.functional.QuantState(
        absmax=absmax, shape=torch.Size((out, inp)), code=torch.empty(16), blocksize=64, quant_type=kind, dtype=torch.bfloat16,
        offset=torch.empty(()) if nested else None, state2=outer,
    )  # fmt: skip


def _weightless(model: nn.Module) -> None:
    """Replace every tensor that the model holds; one that is shared stays shared."""
    made: dict[int, Any] = {}

    def fresh(old: torch.Tensor) -> Any:
        if id(old) not in made:
            new = torch.empty(old.shape, dtype=old.dtype)
            if isinstance(old, nn.Parameter):
                new = type(old)(new, requires_grad=old.requires_grad)
                new.__dict__.update(old.__dict__)
            made[id(old)] = (new, old)  # the old one is kept, so that no other tensor takes its id
        return made[id(old)][0]

    for module in model.modules():
        for store in (module._parameters, module._buffers):
            for name, tensor in store.items():
                if tensor is not None:
                    store[name] = fresh(tensor)
        state = getattr(module, "quant_state", None)
        for holder in (state, getattr(state, "state2", None)):
            for name in ("absmax", "code", "offset"):
                if isinstance(getattr(holder, name, None), torch.Tensor):
                    setattr(holder, name, fresh(getattr(holder, name)))
        tokens = getattr(module, "prompt_tokens", {})
        for name in tokens:
            tokens[name] = fresh(tokens[name])


def _to_fp32(model: nn.Module) -> None:
    """What peft.prepare_model_for_kbit_training does to everything that is not quantized."""
    for param in model.parameters():
        if param.dtype in (torch.bfloat16, torch.float16):
            param.data = param.data.to(torch.float32)


def _adapted(model: Any, options: Options, arch: Arch) -> nn.Module:
    import peft

    if options.method == "full":
        return model  # type: ignore[no-any-return]
    if options.method == "head":
        for name, param in model.named_parameters():
            param.requires_grad_(any(part in ("score", "classifier", "classification_head") for part in name.split(".")))
            if param.requires_grad and arch.encoder_only:  # a dense layer; a decoder's two rows weigh nothing in either type
                param.data = param.data.to(DTYPES[options.trainable_dtype])
        return model  # type: ignore[no-any-return]
    task = "SEQ_CLS" if options.objective == "classify" else ("SEQ_2_SEQ_LM" if arch.encoder_decoder else "CAUSAL_LM")
    if options.method in ("lora", "qlora"):
        config: Any = peft.LoraConfig(
            task_type=task,
            r=options.rank,
            lora_alpha=2 * options.rank,
            lora_dropout=0.0,
            target_modules=module_names(options.targets, arch),
            fan_in_fan_out=arch.conv1d and options.method == "lora",
        )
    elif options.method == "prompt":
        config = peft.PromptTuningConfig(task_type=task, num_virtual_tokens=options.virtual_tokens)
    else:
        config = peft.PrefixTuningConfig(task_type=task, num_virtual_tokens=options.virtual_tokens)
    if options.checkpointing != "none":
        model.enable_input_require_grads()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a name that version 6 drops
        adapted = peft.get_peft_model(model, config, autocast_adapter_dtype=options.trainable_dtype == "fp32")
    for param in adapted.parameters():
        if param.requires_grad:
            param.data = param.data.to(DTYPES[options.trainable_dtype])
    return adapted.train()  # type: ignore[no-any-return]
