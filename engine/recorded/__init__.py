"""Runs made by this engine and committed as data, so that no page is ever empty; and the reader of any run's ΔW. No torch."""

from engine.recorded.delta import Delta, Directions, read_delta
from engine.recorded.runs import Recording, find_recording, recordings

__all__ = ["Delta", "Directions", "Recording", "find_recording", "read_delta", "recordings"]
