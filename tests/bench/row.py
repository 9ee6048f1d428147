"""One line of the benchmark's table."""

from typing import NamedTuple


class Row(NamedTuple):
    """What was measured, the figure with its unit, and the goal where there is one."""

    what: str
    figure: str
    goal: str = ""
