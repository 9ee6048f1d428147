"""Adaptations: which parameters may move. One method a file; each class follows `Adaptation`.

To add a method: write one file with such a class, and name it in `METHODS`.
"""

from engine.adapt.full import FullFineTuning
from engine.adapt.kinds import Adaptation, Factors, Matrix
from engine.adapt.lora import LoRA

METHODS: dict[str, type[Adaptation]] = {"full": FullFineTuning, "lora": LoRA}

__all__ = ["METHODS", "Adaptation", "Factors", "FullFineTuning", "LoRA", "Matrix"]
