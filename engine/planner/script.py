"""A launch script for TRL, PEFT and transformers from the same question, ready to run on the rented machine.

What no trainer does as asked stands in the script's first comment, and nothing is dropped in silence.
"""

from __future__ import annotations

from pprint import pformat
from typing import Any

from engine.planner.answer import arch_of
from engine.planner.arch import Arch
from engine.planner.options import FOUR_BIT, QUANTIZED, Options
from engine.planner.targets import module_names

_OPTIMIZERS = {"adamw": "adamw_torch", "adamw-fused": "adamw_torch_fused", "adamw-8bit": "adamw_8bit", "paged-adamw-32bit": "paged_adamw_32bit",
               "paged-adamw-8bit": "paged_adamw_8bit", "adafactor": "adafactor", "sgd": "sgd"}  # fmt: skip
_DTYPES = {"fp32": "torch.float32", "bf16": "torch.bfloat16", "fp16": "torch.float16"}
_ADAPTERS = {"lora": "LoraConfig", "qlora": "LoraConfig", "prompt": "PromptTuningConfig", "prefix": "PrefixTuningConfig"}
_TRAINERS = {"sft": "SFTTrainer", "dpo": "DPOTrainer", "reward": "RewardTrainer", "rlhf": "RLOOTrainer", "classify": "Trainer",
             "seq2seq": "Seq2SeqTrainer"}  # fmt: skip
_ARGUMENTS = {"sft": "SFTConfig", "dpo": "DPOConfig", "reward": "RewardConfig", "rlhf": "RLOOConfig", "classify": "TrainingArguments",
              "seq2seq": "Seq2SeqTrainingArguments"}  # fmt: skip
_COLUMNS = {"sft": "text, or prompt and completion", "dpo": "prompt, chosen, rejected", "reward": "chosen, rejected", "rlhf": "prompt",
            "classify": "text, label", "seq2seq": "input, target"}  # fmt: skip


def launch_script(options: Options) -> str:
    """Python source; `DATASET` is the reader's to name."""
    arch = arch_of(options)
    task = _task(options, arch)
    lines = [
        *_notes(options, task), "", *_imports(options, task), "", f"MODEL = {options.model or 'path/to/your/model'!r}",
        f"DATASET = 'your/dataset'  # columns: {_COLUMNS[task]}",
        *(["REWARD_MODEL = 'your/reward-model'"] if task == "rlhf" else []), "",
        *_arguments(options, task), "",
        "tokenizer = AutoTokenizer.from_pretrained(MODEL)", "if tokenizer.pad_token is None:", "    tokenizer.pad_token = tokenizer.eos_token",
        *_loading(options, task), *_trained(options, arch, task), "",
        *_trainer(options, task), *_cast(options), "trainer.train()", "trainer.save_model()", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _task(o: Options, arch: Arch) -> str:
    return "seq2seq" if arch.encoder_decoder and o.objective == "sft" else o.objective


def _master_copy(o: Options) -> bool:
    """fp32 weights of which a 16-bit copy computes: DeepSpeed and FSDP keep it, torch's own optimizers do not."""
    return o.method == "full" and o.trainable_dtype == "fp32" and o.weights in ("bf16", "fp16")


def _mixes(o: Options) -> bool:
    return o.method == "head" and o.trainable_dtype == "fp32" and o.weights != "fp32" and o.autocast == "none"


def _stage(o: Options) -> int | None:
    """DeepSpeed's ZeRO stage; None where DeepSpeed is not needed."""
    if o.gpus > 1 and o.sharding.startswith("zero"):
        return int(o.sharding[-1])
    if o.gpus == 1 and o.offload != "none":
        return 3 if o.offload == "all" else 1
    if _master_copy(o) and o.sharding != "fsdp":
        return 1 if o.gpus == 1 else 0
    return None


def _notes(o: Options, task: str) -> list[str]:
    """How to start it, then what differs from the question."""
    stage, fsdp = _stage(o), o.gpus > 1 and o.sharding == "fsdp"
    start = f"accelerate launch --num_processes {o.gpus} finetune.py" if o.gpus > 1 or stage is not None else "python finetune.py"
    needs = ["torch", "transformers==5.23", "datasets", "accelerate", *(["trl==1.16"] if task in ("sft", "dpo", "reward", "rlhf") else []),
             *(["peft"] if o.method in _ADAPTERS else []), *(["deepspeed>=0.18.3"] if stage is not None else []),
             *(["bitsandbytes"] if o.weights in QUANTIZED or "8bit" in o.optimizer or "paged" in o.optimizer else [])]  # fmt: skip
    out = [f"# Start: {start}", f"# Needs: {' '.join(needs)}"]

    def differs(holds: bool, sentence: str) -> None:
        if holds:
            out.append(f"# Not as asked: {sentence}")

    chunks = task in ("sft", "dpo", "rlhf")
    differs(chunks and o.logits not in ("chunked", "fused"),
        f"logits={o.logits}. TRL 1.16 computes the loss in pieces and never holds whole logits, so this run needs less.")  # fmt: skip
    differs(task == "seq2seq" and o.logits != "whole", f"logits={o.logits}. Seq2SeqTrainer holds whole logits.")
    differs(o.software != "hf", f"software={o.software}. This script runs plain transformers.")
    differs(
        o.offload != "none" and o.gpus > 1 and o.sharding == "ddp",
        f"offload={o.offload}. DDP offloads nothing; choose zero1 to zero3 or fsdp.",
    )
    differs(o.offload == "optimizer" and fsdp, "offload=optimizer. FSDP offloads weights and states together (offload=all), or nothing.")
    differs(o.offload == "all" and stage in (1, 2), f"offload=all. ZeRO-{stage} offloads the optimizer only; weights go with zero3.")
    differs(
        o.offload == "all" and o.weights in QUANTIZED,
        f"offload=all with weights={o.weights}. DeepSpeed and FSDP leave packed weights where they are.",
    )
    differs(o.weights == "int8" and (fsdp or stage == 3), "weights=int8. bitsandbytes' 8-bit weights cannot be sharded; use nf4.")
    differs(
        _master_copy(o) and stage == 0,
        "sharding=ddp with a master copy. DeepSpeed's optimizer for it sums gradients in fp32 too: 4 bytes more.",
    )
    differs(_mixes(o), f"autocast={o.autocast}. A head in fp32 on a model in 16 bits needs autocast to multiply the two.")
    differs(task == "rlhf", "rlhf with a value model. RLOO, TRL's policy gradient, needs none, so this run needs less.")
    differs(
        task == "rlhf" and o.reference == "copy" and o.method in _ADAPTERS, "reference=copy. RLOOTrainer switches the adapter off instead."
    )
    differs(
        task == "rlhf" and o.reference == "precomputed", "reference=precomputed. Answers are new each time; RLOOTrainer runs the reference."
    )
    return out


def _imports(o: Options, task: str) -> list[str]:
    auto = {
        "seq2seq": "AutoModelForSeq2SeqLM",
        "classify": "AutoModelForSequenceClassification",
        "reward": "AutoModelForSequenceClassification",
    }
    trl = task in ("sft", "dpo", "reward", "rlhf")
    own = [] if trl else [_TRAINERS[task], _ARGUMENTS[task]]
    names = sorted({auto.get(task, "AutoModelForCausalLM"), "AutoTokenizer", *own, *(["BitsAndBytesConfig"] if o.weights in QUANTIZED else []),
                    *(["AutoModelForSequenceClassification"] if task == "rlhf" else []), *(["DataCollatorForSeq2Seq"] if task == "seq2seq" else [])})  # fmt: skip
    peft = [_ADAPTERS[o.method]] if o.method in _ADAPTERS else []
    peft += ["get_peft_model"] if peft and not trl else []
    peft += ["prepare_model_for_kbit_training"] if o.kbit_prepare else []
    return [
        "import torch", "from datasets import load_dataset", *([f"from peft import {', '.join(peft)}"] if peft else []),
        f"from transformers import {', '.join(names)}", *([f"from trl import {_ARGUMENTS[task]}, {_TRAINERS[task]}"] if trl else []),
    ]  # fmt: skip


def _arguments(o: Options, task: str) -> list[str]:
    """Before the model, since ZeRO-3 shards while it loads."""
    stage, fsdp = _stage(o), o.gpus > 1 and o.sharding == "fsdp"
    half = "fp16" if o.weights == "fp16" and stage is not None and o.method == "full" else "bf16"
    wide = o.weights == "fp32" and o.autocast == "none"
    # DeepSpeed computes in 16 bits by its own setting, which the Trainer's must repeat
    mixed = o.autocast == "bf16" or _mixes(o) or (stage is not None and not wide) or (fsdp and _master_copy(o))
    values: dict[str, Any] = {
        "output_dir": "out", "per_device_train_batch_size": o.micro_batch, "gradient_accumulation_steps": o.accumulation,
        "num_train_epochs": o.epochs, "optim": _OPTIMIZERS[o.optimizer], half: mixed,
    }  # fmt: skip
    if half == "fp16":
        values["bf16"] = False
    by_fsdp = fsdp and o.checkpointing == "full"
    values["activation_checkpointing"] = o.checkpointing != "none" and not by_fsdp
    if values["activation_checkpointing"]:
        every = {"every_n_layers": 2} if o.checkpointing == "selective" else {}
        values["activation_checkpointing_kwargs"] = {"use_reentrant": False, **every}
    if task in ("sft", "dpo", "reward"):
        values["max_length"] = o.seq_len
    if task == "sft" and o.packing:
        values["packing"] = True
    if task == "dpo" and o.reference == "precomputed":
        values["precompute_ref_log_probs"] = True
    if task == "rlhf":  # half of the length for the prompt; answers come in pairs, so a batch of them has to be even
        even = 1 if o.micro_batch * o.accumulation % 2 == 0 else 2
        values |= {"max_completion_length": max(o.seq_len // 2, 1), "num_generations": 2, "steps_per_generation": o.accumulation * even}
    if fsdp:
        values |= {
            "fsdp": True,
            "fsdp_config": {"reshard_after_forward": True, "activation_checkpointing": by_fsdp, "cpu_offload": o.offload == "all"},
        }
    elif stage is not None:
        values["deepspeed"] = _deepspeed(o, stage, None if wide else half)
    body = [f"    {name}={pformat(value, width=110, sort_dicts=False)},".replace("\n", "\n    ") for name, value in values.items()]
    return [f"arguments = {_ARGUMENTS[task]}(", *body, ")"]


def _deepspeed(o: Options, stage: int, half: str | None) -> dict[str, Any]:
    zero: dict[str, Any] = {"stage": stage}
    if o.offload != "none":
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
    if o.offload == "all" and stage == 3:
        zero["offload_param"] = {"device": "cpu", "pin_memory": True}
    out: dict[str, Any] = {"train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "train_batch_size": "auto",
        "gradient_clipping": "auto", "zero_allow_untested_optimizer": True, "zero_force_ds_cpu_optimizer": False}  # fmt: skip
    if half:
        pure = half == "bf16" and o.trainable_dtype == "bf16" and stage > 0
        out[half] = {"enabled": True, **({"bf16_master_weights_and_grads": True, "bf16_optimizer_states": True} if pure else {})}
    if stage == 0:
        out["data_types"] = {"grad_accum_dtype": "fp32"}
    return {**out, "zero_optimization": zero}


def _loading(o: Options, task: str) -> list[str]:
    fsdp = o.gpus > 1 and o.sharding == "fsdp"
    attention = {"flash": "flash_attention_2"}.get(o.attention, o.attention)
    dtype = "torch.float32" if fsdp and _master_copy(o) else _DTYPES.get(o.weights, "torch.bfloat16")
    out = []
    if o.weights in FOUR_BIT:
        stored = ", bnb_4bit_quant_storage=torch.bfloat16" if fsdp or _stage(o) == 3 else ""  # what is sharded needs the type of the rest
        out += [f"quantization = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type={o.weights.split('-')[0]!r}, "
                f"bnb_4bit_use_double_quant={o.weights.endswith('-dq')}, bnb_4bit_compute_dtype=torch.bfloat16{stored})"]  # fmt: skip
    elif o.weights == "int8":
        out += ["quantization = BitsAndBytesConfig(load_in_8bit=True)"]
    settings = f"dtype={dtype}, attn_implementation={attention!r}{', quantization_config=quantization' if out else ''}"
    kind, labels = {"seq2seq": ("Seq2SeqLM", ""), "classify": ("SequenceClassification", ", num_labels=2"),
                    "reward": ("SequenceClassification", ", num_labels=1")}.get(task, ("CausalLM", ""))  # fmt: skip
    load = f"AutoModelFor{kind}.from_pretrained(MODEL, {settings}{labels})"
    out += [f"model = {load}", "model.config.pad_token_id = tokenizer.pad_token_id"]
    if task == "dpo" and o.reference == "copy" and o.method in _ADAPTERS:
        out += [f"reference = {load}"]  # without an adapter the trainer loads the copy itself
    if task == "rlhf":
        out += [f"reward_model = AutoModelForSequenceClassification.from_pretrained(REWARD_MODEL, dtype={dtype}, num_labels=1)"]
    return out


def _trained(o: Options, arch: Arch, task: str) -> list[str]:
    out = []
    if o.kbit_prepare:
        out += [f"model = prepare_model_for_kbit_training(model, use_gradient_checkpointing={o.checkpointing != 'none'})"]
    if o.method == "head":
        return [*out, "for name, parameter in model.named_parameters():",
                "    parameter.requires_grad_(bool({'score', 'classifier', 'classification_head'} & set(name.split('.'))))"]  # fmt: skip
    if o.method not in _ADAPTERS:
        return out
    kind = {"classify": "SEQ_CLS", "reward": "SEQ_CLS", "seq2seq": "SEQ_2_SEQ_LM"}.get(task, "CAUSAL_LM")
    if o.method in ("lora", "qlora"):
        names = module_names(o.targets, arch) if o.targets != "all-linear" else "all-linear"
        out += [f"adapter = LoraConfig(task_type={kind!r}, r={o.rank}, lora_alpha={2 * o.rank}, target_modules={names!r})"]
    else:
        out += [f"adapter = {_ADAPTERS[o.method]}(task_type={kind!r}, num_virtual_tokens={o.virtual_tokens})"]
    return [*out, "model = get_peft_model(model, adapter)"] if task in ("classify", "seq2seq") else out


def _trainer(o: Options, task: str) -> list[str]:
    out = ["dataset = load_dataset(DATASET, split='train')"]
    given = "model=model, args=arguments, train_dataset=dataset, processing_class=tokenizer"
    if task in ("classify", "seq2seq"):
        read = "row['text']" if task == "classify" else "row['input'], text_target=row['target']"
        out += [f"dataset = dataset.map(lambda row: tokenizer({read}, truncation=True, max_length={o.seq_len}), batched=True)"]
        given += ", data_collator=DataCollatorForSeq2Seq(tokenizer, model=model)" if task == "seq2seq" else ""
    elif o.method in _ADAPTERS:
        given += ", peft_config=adapter"
    given += ", ref_model=reference" if task == "dpo" and o.reference == "copy" and o.method in _ADAPTERS else ""
    given += ", reward_funcs=reward_model" if task == "rlhf" else ""
    return [*out, f"trainer = {_TRAINERS[task]}({given})"]


def _cast(o: Options) -> list[str]:
    """PEFT and TRL choose a type of their own for what is trained."""
    if o.method == "full":
        return []
    return ["for parameter in trainer.model.parameters():", "    if parameter.requires_grad:",
            f"        parameter.data = parameter.data.to({_DTYPES[o.trainable_dtype]})"]  # fmt: skip
