"""Training: the loop, looks at the model, and what ΔW turned out to be. Imports torch."""

from engine.training.run import train

__all__ = ["train"]
