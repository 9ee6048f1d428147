"""The published rows by another public calculator that installs, fitcheck-llm 0.3.1: python -m tests.bench.calculators [--write].

`--write` keeps the scores in engine/planner/rivals.json, from where the accuracy table takes them; fitcheck-llm itself is needed only here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import engine.planner
from engine.planner.accuracy import METHODS, score
from engine.planner.answer import arch_of
from engine.planner.options import Options
from engine.planner.rows import rows
from engine.planner.targets import module_names

FILE = Path(engine.planner.__file__).with_name("rivals.json")


def fitcheck() -> Callable[[Options], float]:
    """A function that gives fitcheck-llm's GiB for a question, without its allowance for what lies outside the allocator."""
    from fitcheck.config_parser import ModelConfig
    from fitcheck.estimator import TrainingConfig, estimate
    from fitcheck.gpu_db import get_gpu

    card = get_gpu(vram_mib=80 * 1024)

    def gib(options: Options) -> float:
        arch = arch_of(options)
        model = ModelConfig("model", arch.total_params, arch.hidden, arch.layers, arch.heads, arch.kv_heads, arch.inner, arch.vocab, arch.head_dim,
                            arch.tied)  # fmt: skip
        adapted = options.method in ("lora", "qlora")
        names = [path.rsplit(".", 1)[-1] for path in module_names(options.targets, arch)] if adapted else []
        known = [name for name in names if name in ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")]
        asked: dict[str, Any] = {
            "precision": "bf16", "quantization": "nf4" if options.method == "qlora" else "none", "double_quant": options.weights == "nf4-dq",
            "optimizer_dtype": options.trainable_dtype, "batch_size": options.micro_batch, "seq_len": options.seq_len,
            "lora_rank": options.rank if adapted else None, "grad_checkpoint": options.checkpointing == "full", "flash_attn": options.attention != "eager",
        }  # fmt: skip
        if known:
            asked["lora_targets"] = known
        found = estimate(model, TrainingConfig(**asked), card)
        return float(found.total_mib - found.overhead_mib) / 1024

    return gib


def scores() -> list[dict[str, Any]]:
    """Errors by method; rows that it refuses are counted apart."""
    gib = fitcheck()
    out = []
    for method in METHODS:
        group = [row for row in rows() if row.measure == "allocated" and row.trust == "high" and row.method == method]
        errors = []
        for row in group:
            try:
                errors.append(gib(row.options) / row.measured_gib - 1)
            except ValueError:
                continue
        if errors:
            refused = f", refuses {len(group) - len(errors)}" if len(errors) < len(group) else ""
            out.append(score(f"{method}, fitcheck-llm 0.3.1{refused}", errors)._asdict())
    return out


def main(argv: Sequence[str]) -> int:
    found = scores()
    if "--write" in argv:
        FILE.write_text(json.dumps(found, indent=1) + "\n")
    for line in found:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
