"""Writes one matrix of the fetched SmolLM2 to engine/recorded/weights. Run: python -m engine.models.sample"""

from __future__ import annotations

import json
from datetime import date

import numpy as np
from safetensors import safe_open

from engine.catalog.models import DEFAULT_MODEL
from engine.home import data_home
from engine.recorded.weights import FOLDER

MATRIX = "model.layers.15.self_attn.k_proj.weight"
NAME = "smollm2-layer15-k_proj"
ORIGIN = (
    "Read from the bf16 weights that set-up prepares. Set-up takes them from a Q4_1 file, so each run of 32 weights holds at most 16 "
    "different values; the original model's weights are finer."
)


def main() -> None:
    """bf16 has 8 bits of mantissa, so fp16 holds these weights exactly wherever they are not smaller than 6e-5."""
    folder = data_home() / "models" / DEFAULT_MODEL
    with safe_open(folder / "model.safetensors", "pt") as file:
        weights = file.get_tensor(MATRIX).float().numpy()
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / f"{NAME}.npz", weights=weights.astype(np.float16))
    card = json.loads((folder / "card.json").read_text("utf-8"))
    about = {
        "model": DEFAULT_MODEL, "matrix": MATRIX.removesuffix(".weight"), "shape": list(weights.shape), "day": date.today().isoformat(),
        "source": card["source"], "sha256": card["sha256"], "licence": "Apache-2.0", "origin": ORIGIN,
    }  # fmt: skip
    (FOLDER / f"{NAME}.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    print(
        f"{NAME}: {weights.shape[0]} x {weights.shape[1]}, largest change by fp16 {np.abs(weights.astype(np.float16) - weights).max():.1e}"
    )


if __name__ == "__main__":
    main()
