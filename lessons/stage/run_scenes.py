"""Scenes of a run that has ended, the learner's or a recorded one.

stage(city_scene(shown.delta, shown.label), key="city")
"""

from __future__ import annotations

from engine.recorded import Delta
from lessons.stage.scene import Scene, plain_stage
from viz.city import city_tables, describe_city, draw_city, get_city_info
from viz.label import TruthLabel


def city_scene(delta: Delta, label: TruthLabel, *, caption: str = "") -> Scene:
    """The whole network as a city: height is ‖ΔW‖ / ‖W‖ of each matrix."""
    info = get_city_info(delta.matrices.values(), label)
    return plain_stage("Where the method acts", draw_city(info), describe_city(info), city_tables(info), caption=caption)
