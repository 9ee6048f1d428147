"""The calculator against the allocator of the GPU that is here."""

import pytest

pytestmark = pytest.mark.gpu
PERCENT = 2.0
"""As far as the calculator may be off on what tensors take."""


@pytest.mark.parametrize("name", ["tiny-full", "tiny-lora", "tiny-prompt", "tiny-dpo", "7b-qlora-checkpointed"])
def test_a_real_step_takes_what_the_calculator_says(name):
    from engine.planner.accuracy import own_row
    from engine.trace.on_gpu import ask

    row = own_row(ask(name))
    assert abs(row.allocated.error_percent) <= PERCENT, row
