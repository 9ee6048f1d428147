"""Objectives: what the parameters are moved for. One a file; each class follows `Objective`.

To add one: write one file with such a class, and name it in `OBJECTIVES`.
"""

from engine.objectives.kinds import Loss, Objective
from engine.objectives.sft import SFT

OBJECTIVES: dict[str, type[Objective]] = {"sft": SFT}

__all__ = ["OBJECTIVES", "SFT", "Loss", "Objective"]
