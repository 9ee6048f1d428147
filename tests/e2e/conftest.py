"""A data folder of the tests' own that borrows the fetched model, so that no test touches the user's runs and answers."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from engine.home import data_home


@pytest.fixture(scope="session")
def model_home(tmp_path_factory):
    """DELTALAB_HOME with the SmolLM2 that `make test` fetched, linked in; its supervisor is stopped at the end."""
    home = tmp_path_factory.mktemp("e2e-home")
    (home / "models").mkdir()
    for model in (data_home() / "models").glob("[!.]*"):
        (home / "models" / model.name).symlink_to(model)
    yield home
    for line in subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout.splitlines():
        pid, _, args = line.strip().partition(" ")
        if "engine.jobs." in args and _home_of(pid) == str(home):
            os.kill(int(pid), signal.SIGKILL)


def _home_of(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            pairs = dict(pair.split("=", 1) for pair in file.read().decode("utf-8", "replace").split("\0") if "=" in pair)
    except OSError:
        return ""
    return pairs.get("DELTALAB_HOME", "")
