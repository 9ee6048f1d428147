"""The calculator against the allocator of the GPU that is here."""

import pytest

pytestmark = pytest.mark.gpu
PERCENT = 3.0
"""As far as the calculator may be off on allocated memory; cuBLAS's workspace is some tens of MiB, so small models are left out."""


@pytest.mark.parametrize("name", ["tiny-full", "tiny-lora", "tiny-prompt", "tiny-dpo", "7b-qlora-checkpointed"])
def test_a_real_step_takes_what_the_calculator_says(name):
    from engine.planner.accuracy import own_row
    from engine.trace.on_gpu import ask

    row = own_row(ask(name))
    assert abs(row.allocated_error_percent) <= PERCENT, row
