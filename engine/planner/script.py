"""A launch script for TRL and PEFT from the same question, ready to run on the rented machine."""

from __future__ import annotations

from engine.planner.answer import arch_of
from engine.planner.options import FOUR_BIT, Options
from engine.planner.targets import module_names

_OPTIMIZERS = {"adamw": "adamw_torch", "adamw-fused": "adamw_torch_fused", "adamw-8bit": "adamw_8bit", "paged-adamw-32bit": "paged_adamw_32bit",
               "paged-adamw-8bit": "paged_adamw_8bit", "adafactor": "adafactor", "sgd": "sgd"}  # fmt: skip
_DTYPES = {"fp32": "torch.float32", "bf16": "torch.bfloat16", "fp16": "torch.float16"}


def launch_script(options: Options) -> str:
    """Python source; `DATASET` is the reader's to name. Several cards: `accelerate launch --num_processes N script.py`."""
    o = options
    model = o.model or "path/to/your/model"
    trainer = "DPOTrainer" if o.objective == "dpo" else "SFTTrainer"
    config = trainer.replace("Trainer", "Config")
    lines = [
        "import torch", "from datasets import load_dataset", *_peft_imports(o),
        f"from transformers import AutoModelForCausalLM, AutoTokenizer{', BitsAndBytesConfig' if o.weights in ('int8', *FOUR_BIT) else ''}",
        f"from trl import {config}, {trainer}", "",
        f"MODEL = {model!r}", "DATASET = 'your/dataset'", "",
        "tokenizer = AutoTokenizer.from_pretrained(MODEL)", *_loading(o), *_adapter(o), "",
        f"arguments = {config}(", "    output_dir='out',",
        f"    per_device_train_batch_size={o.micro_batch},", f"    gradient_accumulation_steps={o.accumulation},",
        f"    num_train_epochs={o.epochs:g},", f"    max_length={o.seq_len},", f"    optim={_OPTIMIZERS[o.optimizer]!r},",
        f"    gradient_checkpointing={o.checkpointing != 'none'},", f"    bf16={o.autocast == 'bf16'},",
        *(["    use_liger_kernel=True,"] if o.logits == "fused" else []), ")",
        f"trainer = {trainer}(model=model, args=arguments, train_dataset=load_dataset(DATASET, split='train'), "
        f"processing_class=tokenizer{', peft_config=adapter' if o.method in ('lora', 'qlora', 'prompt', 'prefix') else ''})",
        "trainer.train()", "trainer.save_model()", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _peft_imports(o: Options) -> list[str]:
    names = {"lora": "LoraConfig", "qlora": "LoraConfig", "prompt": "PromptTuningConfig", "prefix": "PrefixTuningConfig"}
    return [f"from peft import {names[o.method]}"] if o.method in names else []


def _loading(o: Options) -> list[str]:
    attention = {"flash": "flash_attention_2"}.get(o.attention, o.attention)
    dtype = _DTYPES.get(o.weights, "torch.bfloat16")
    out = []
    if o.weights in FOUR_BIT:
        kind = o.weights.split("-")[0]
        out += [f"quantization = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type={kind!r}, "
                f"bnb_4bit_use_double_quant={o.weights.endswith('-dq')}, bnb_4bit_compute_dtype=torch.bfloat16)"]  # fmt: skip
    elif o.weights == "int8":
        out += ["quantization = BitsAndBytesConfig(load_in_8bit=True)"]
    quantization = ", quantization_config=quantization" if out else ""
    return [*out, f"model = AutoModelForCausalLM.from_pretrained(MODEL, dtype={dtype}, attn_implementation={attention!r}{quantization})"]


def _adapter(o: Options) -> list[str]:
    if o.method in ("lora", "qlora"):
        names = module_names(o.targets, arch_of(o)) if o.targets != "all-linear" else "all-linear"
        return [f"adapter = LoraConfig(task_type='CAUSAL_LM', r={o.rank}, lora_alpha={2 * o.rank}, target_modules={names!r})"]
    if o.method in ("prompt", "prefix"):
        kind = "PromptTuningConfig" if o.method == "prompt" else "PrefixTuningConfig"
        return [f"adapter = {kind}(task_type='CAUSAL_LM', num_virtual_tokens={o.virtual_tokens})"]
    return []
