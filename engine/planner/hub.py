"""A model's config.json from the hub, when this machine is online and somebody asks for it. Nothing else is fetched, and nothing is run."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from engine.contracts import SpecError

_ID = re.compile(r"^[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}$")
MOST_BYTES = 1_000_000
SECONDS = 8


def fetch_config(model: str) -> dict[str, Any]:
    """The config.json of `owner/name`; HF_ENDPOINT names another hub.

    Raises:
        SpecError: no such id, no network, or a file that is no JSON object; the sentence says what to do.
    """
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    if not _ID.match(model) or ".." in model:
        raise SpecError(f"model={model[:60]!r} is not a hub id; write it as owner/name")
    base = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    try:
        with urlopen(Request(f"{base}/{model}/resolve/main/config.json"), timeout=SECONDS) as answer:
            found = json.loads(answer.read(MOST_BYTES))
    except HTTPError as error:
        raise SpecError(f"model={model[:60]!r} was refused by the hub ({error.code}); gated models need their config.json pasted") from None
    except OSError:
        raise SpecError(f"model={model[:60]!r} could not be fetched: the hub was not reached; paste its config.json") from None
    except (ValueError, RecursionError):
        raise SpecError(f"model={model[:60]!r} has no config.json that can be read; paste it") from None
    if not isinstance(found, dict):
        raise SpecError(f"model={model[:60]!r} has a config.json that is no object; paste it")
    return found
