"""A causal language model of the hub, by its id: only safetensors, never remote code, and only what fits in memory."""

from __future__ import annotations

import errno
import math
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from engine.catalog.models import offline_models
from engine.contracts import RunError

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

BYTES_PER_PARAMETER = {"fp32": 4, "bf16": 2}
SECONDS_TO_ANSWER = 1.5
"""Longest wait for the hub's first answer; name resolution on a machine without a network may take far longer."""
FILES = ["config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json", "tokenizer*", "*.jinja"]
FILES += ["vocab.json", "merges.txt", "special_tokens_map.json", "added_tokens.json"]
_CGROUP_LIMIT, _CGROUP_USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")


def download(name: str, dtype: str, device: str) -> Path:
    """Folder with the files of a hub model, downloaded unless they are in the hub's own cache.

    Raises:
        RunError: Offline and not in the cache (at once), no such model, no safetensors, too large for memory or disk.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    info = _ask_hub(name)
    if info is None:
        try:
            folder = Path(snapshot_download(name, allow_patterns=FILES, local_files_only=True))
        except LocalEntryNotFoundError:
            raise _offline_error(name) from None
        check_fit(name, count_parameters(folder), dtype, free_bytes(device))
        return folder
    if info.safetensors is None:
        raise RunError(f"{name} has no safetensors weights on the hub.", "Choose a model that has: other formats can carry code.")
    check_fit(name, info.safetensors.total, dtype, free_bytes(device))
    try:
        return Path(snapshot_download(name, revision=info.sha, allow_patterns=FILES))
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else str(error).splitlines()[0][:200]
        raise RunError(
            f"{name} could not be downloaded: {reason}.", "Mend that and start the run again; finished files are kept."
        ) from None


def check_fit(name: str, parameters: int, dtype: str, free: int) -> None:
    """Refuse a model whose weights alone do not fit, with the sum. `free` is in bytes."""
    width = BYTES_PER_PARAMETER[dtype]
    if parameters * width > free:
        raise RunError(
            f"{name} does not fit: {parameters / 1e9:.2f} billion parameters x {width} bytes ({dtype}) = {parameters * width / 1e9:.1f} GB "
            f"of weights, and {free / 1e9:.1f} GB of memory are free.",
            "Choose a smaller model" + (", or bf16, which halves the sum." if dtype == "fp32" else "."),
        )


def count_parameters(folder: Path) -> int:
    """Numbers in a folder's safetensors files, by their headers alone."""
    from safetensors import safe_open

    total = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "np") as file:
            total += sum(math.prod(file.get_slice(tensor).get_shape()) for tensor in file.keys())  # noqa: SIM118
    return total


def free_bytes(device: str) -> int:
    """Memory that a model could take now: of the GPU, else of the machine or the container's limit, whichever is less."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    import psutil

    free = int(psutil.virtual_memory().available)
    try:
        return min(free, int(_CGROUP_LIMIT.read_text()) - int(_CGROUP_USED.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return free


def _ask_hub(name: str) -> ModelInfo | None:
    """What the hub says about a model, or None when it says nothing in time.

    Raises:
        RunError: The hub does not know the model, or does not show it to this user.
    """
    answers: queue.Queue[ModelInfo | Exception] = queue.Queue()
    threading.Thread(target=_put_answer, args=(name, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=SECONDS_TO_ANSWER)
    except queue.Empty:
        return None
    if not isinstance(answer, Exception):
        return answer
    status = getattr(getattr(answer, "response", None), "status_code", 0)
    if status in (401, 403, 404):
        raise RunError(
            f"The hub has no model {name} that it shows to you.",
            "Check the spelling; for a gated or private model accept its terms on the hub and set HF_TOKEN.",
        )
    return None


def _put_answer(name: str, answers: queue.Queue[ModelInfo | Exception]) -> None:
    from huggingface_hub import HfApi

    try:
        answers.put(HfApi().model_info(name, timeout=SECONDS_TO_ANSWER, expand=["safetensors", "sha"]))
    except Exception as error:  # whatever keeps the hub from answering is handed to the thread that waits
        answers.put(error)


def _offline_error(name: str) -> RunError:
    return RunError(
        f"The hub does not answer, and {name} is not on this machine.",
        f"Without a network these models work: {', '.join(offline_models()) or 'none yet'}.",
    )
