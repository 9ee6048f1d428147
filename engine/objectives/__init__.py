"""Objectives: what the parameters are moved for. One a file; each class follows `Objective`.

To add one: write one file with such a class, and name it in `OBJECTIVES`.
"""

from engine.objectives.classify import Classify
from engine.objectives.dpo import DPO
from engine.objectives.kinds import Loss, Objective
from engine.objectives.reward import Reward
from engine.objectives.rlhf import RLHF
from engine.objectives.sft import SFT

OBJECTIVES: dict[str, type[Objective]] = {"sft": SFT, "classify": Classify, "dpo": DPO, "reward": Reward, "rlhf": RLHF}

__all__ = ["DPO", "OBJECTIVES", "RLHF", "SFT", "Classify", "Loss", "Objective", "Reward"]
