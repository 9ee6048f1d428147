"""How several GPUs, or a GPU and the processor, share a model's memory: closed sums over what one GPU alone would hold.

Rajbhandari et al. 2019, 1910.02054, §5 (ZeRO-1: optimizer states, ZeRO-2: gradients too, ZeRO-3: weights too, each divided by the
number of cards); Zhao et al. 2023, 2304.11277, §3 (FSDP); Ren et al. 2021, 2101.06840, §4 (offload: gradients leave as they are made).
Activations and logits are whole on each GPU, since each has its own micro-batch.
"""

from __future__ import annotations

from functools import lru_cache

from engine.planner.arch import Arch
from engine.planner.options import FOUR_BIT, QUANTIZED, Options
from engine.planner.standing import Standing, experts_are_linear, standing

_BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0}
_DIVIDED = {
    "ddp": (), "zero1": ("optimizer",), "zero2": ("optimizer", "gradients"), "zero3": ("optimizer", "gradients", "weights", "adapters"),
    "fsdp": ("optimizer", "gradients", "weights", "adapters"),
}  # fmt: skip


@lru_cache(maxsize=4096)
def shared_standing(options: Options, arch: Arch) -> Standing:
    """What one GPU holds whatever the batch.

    Constants of quantized weights are whole on every card: bitsandbytes keeps them beside the weight, on its module, where neither FSDP
    nor ZeRO sees them (bitsandbytes/nn/modules.py, Params4bit and fix_4bit_weight_quant_state_from_module).
    """
    o, held = options, standing(options, arch)
    if o.gpus == 1 and o.offload == "none":
        return held
    divided = _DIVIDED[o.sharding] if o.gpus > 1 else ()
    parts = {name: tuple(part._replace(cards=o.gpus) for part in found) if name in divided else found for name, found in held.parts.items()}
    away = {"none": (), "optimizer": ("optimizer", "gradients"), "all": ("optimizer", "gradients", "weights", "quant_constants")}[o.offload]
    parts = {name: () if name in away else found for name, found in parts.items()}
    gathers = "weights" in divided or o.offload == "all"
    reduces = "gradients" in divided or o.offload != "none"
    gradient = held.one_gradient.total
    return held._replace(
        parts=parts,
        step_bytes=0.0 if "optimizer" in away else held.step_bytes / (o.gpus if "optimizer" in divided else 1),
        gradient_share=0.0 if "gradients" in away else 1 / o.gpus if "gradients" in divided else 1.0,
        gathered_bytes=gathered_bytes(o, arch) if gathers else 0.0,
        arriving_bytes=gradient * _largest_unit(o, arch, held) if reduces else 0.0,
        # the reducer's buckets hold a copy (torch/csrc/distributed/c10d/reducer.cpp)
        bucket_bytes=held.gradients_bytes if o.gpus > 1 and o.sharding == "ddp" and o.offload == "none" else 0.0,
    )


def gathered_bytes(options: Options, arch: Arch) -> float:
    """Weights of other cards that are whole at one time: the layer at work and the next one, fetched in advance. FSDP keeps what lies outside
    of the layers (embeddings, head) from the start of the forward pass to the end of the backward pass (FSDP's root module is not freed
    after its forward pass); ZeRO-3 and offload fetch that alone, when it is used.
    """
    layers, outside = 2 * layer_bytes(options, arch), outside_bytes(options, arch)
    return layers + outside if options.gpus > 1 and options.sharding == "fsdp" else max(layers, outside)


def layer_bytes(options: Options, arch: Arch) -> float:
    """The largest layer's weights as they are gathered."""
    return max(_weight_bytes(options, stack.layer_params, _packed(options, arch, number)) for number, stack in enumerate(arch.stacks))


def outside_bytes(options: Options, arch: Arch) -> float:
    """Embeddings and head."""
    return _weight_bytes(options, arch.embed_params + arch.head_params, 0)


def _packed(options: Options, arch: Arch, number: int) -> int:
    stack = arch.stacks[number]
    inside = sum(m.out * m.inp for m in stack.linears if m.role not in arch.kept_wide)
    return inside + (stack.expert_params if experts_are_linear(options) else 0)


def _weight_bytes(options: Options, count: int, packed: int) -> float:
    if options.weights not in QUANTIZED:
        return count * _BYTES[options.weights]
    return packed * (0.5 if options.weights in FOUR_BIT else 1.0) + (count - packed) * (4.0 if options.kbit_prepare else 2.0)


def _largest_unit(options: Options, arch: Arch, held: Standing) -> float:
    """Share of a model's gradients that is whole at one time: one layer's, or those outside of the layers; with FSDP both."""
    if options.method != "full":
        return 1 / max(arch.layers, 1)
    layer, outside = max(stack.layer_params for stack in arch.stacks), arch.embed_params + arch.head_params
    unit = layer + outside if options.gpus > 1 and options.sharding == "fsdp" else max(layer, outside)
    return min(unit / held.one_gradient.number, 1.0)
