"""A data folder of the tests' own that borrows the fetched model, so that no test touches the user's runs and answers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from engine import jobs
from engine.home import data_home

expect.set_options(timeout=30_000)  # a page of a machine that also trains; states are waited for, so a quick one costs no more


@pytest.fixture(scope="session")
def model_home(tmp_path_factory):
    """DELTALAB_HOME with the SmolLM2 that `make test` fetched, linked in; its supervisor leaves at the end."""
    home = tmp_path_factory.mktemp("e2e-home")
    (home / "models").mkdir()
    for model in (data_home() / "models").glob("[!.]*"):
        (home / "models" / model.name).symlink_to(model)
    yield home
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DELTALAB_HOME", str(home))
        for run in jobs.recent():
            if run.live:
                jobs.cancel(run.run_id)
        assert jobs.stop_supervisor()
