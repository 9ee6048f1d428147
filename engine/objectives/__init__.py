"""Objectives: what the parameters are moved for. One a file: a function from model and batch to a loss."""

from engine.objectives.sft import sft_loss

LOSSES = {"sft": sft_loss}

__all__ = ["LOSSES", "sft_loss"]
