"""Pages are drawn here and nothing is run: no supervisor, with its warm worker, is left behind by each of them."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch) -> None:
    for place in ("engine.jobs", "engine.jobs.local"):
        monkeypatch.setattr(f"{place}.ensure_supervisor", lambda: None)
