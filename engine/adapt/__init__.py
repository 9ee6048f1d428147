"""Adaptations: which parameters may move. One method a file; each class follows `Adaptation`.

To add a method: write one file with such a class, and name it in `METHODS`.
"""

import logging

logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)  # peft imports it; it laments a kernel nobody needs

from engine.adapt.full import FullFineTuning  # noqa: E402
from engine.adapt.head import FrozenBackbone  # noqa: E402
from engine.adapt.kinds import Adaptation, Factors, Matrix  # noqa: E402
from engine.adapt.lora import LoRA  # noqa: E402
from engine.adapt.prefix import PrefixTuning  # noqa: E402
from engine.adapt.prompt import PromptTuning  # noqa: E402
from engine.adapt.qlora import QLoRA  # noqa: E402

METHODS: dict[str, type[Adaptation]] = {
    "full": FullFineTuning,
    "lora": LoRA,
    "qlora": QLoRA,
    "prompt": PromptTuning,
    "prefix": PrefixTuning,
    "head": FrozenBackbone,
}

__all__ = [
    "METHODS",
    "Adaptation",
    "Factors",
    "FrozenBackbone",
    "FullFineTuning",
    "LoRA",
    "Matrix",
    "PrefixTuning",
    "PromptTuning",
    "QLoRA",
]
