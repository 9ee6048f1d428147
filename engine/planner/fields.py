"""Careful reading of numbers out of a pasted config.json: every refusal names the field, the value and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contracts import SpecError

_LIMITS = {"vocab_size": 10**7, "max_position_embeddings": 10**8, "n_positions": 10**8}
_COUNTS = ("num_hidden_layers", "n_layer", "num_layers", "num_decoder_layers", "num_attention_heads", "n_head", "num_heads")
_MAX_SIZE = 10**6
_MAX_COUNT = 4096


class Fields:
    """A config with a word for each way in which a field may be wrong."""

    def __init__(self, family: str, config: Mapping[Any, Any]) -> None:
        self.family = family
        self._config = config
        self.used: dict[str, Any] = {"model_type": family}
        """What was looked at, by name; what the config leaves out is not in it."""

    def _get(self, name: str) -> Any:
        value = self._config.get(name)
        if value is not None:
            self.used[name] = value
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number of at least 1."""
        value = self._get(name)
        if value is None:
            if default is None:
                raise SpecError(f"config.{name} is missing; a {self.family} config.json needs it")
            return default
        limit = _MAX_COUNT if name in _COUNTS else _LIMITS.get(name, _MAX_SIZE)
        if isinstance(value, bool) or not isinstance(value, int):
            raise SpecError(f"config.{name}={value!r:.40} must be a whole number, without quotation marks")
        if not 1 <= value <= limit:
            raise SpecError(f"config.{name}={value!r:.40} must be 1 to {limit}; check the pasted config.json")
        return value

    def whole_of(self, *names: str, default: int | None = None) -> int:
        """The first of several names that the config has; families changed them over the years."""
        for name in names:
            if self._config.get(name) is not None:
                return self.whole(name)
        return self.whole(names[0], default)

    def flag(self, name: str, default: bool) -> bool:
        value = self._get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise SpecError(f"config.{name}={value!r:.40} must be true or false")
        return value

    def share(self, name: str, default: float) -> float:
        value = self._get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise SpecError(f"config.{name}={value!r:.40} must be a number from 0 to 1")
        return float(value)

    def word(self, name: str, default: str) -> str:
        value = self._get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise SpecError(f"config.{name}={value!r:.40} must be a word")
        return value

    def divides(self, whole_name: str, whole: int, part_name: str, part: int) -> None:
        if whole % part:
            raise SpecError(f"config.{part_name}={part} must divide config.{whole_name}={whole}")

    def at_most(self, name: str, value: int, limit: int) -> None:
        if value > limit:
            raise SpecError(f"config.{name}={value} must be at most the number of experts, {limit}")

    def empty(self, name: str) -> None:
        value = self._get(name)
        if value:
            raise SpecError(f"config.{name}={value!r:.40} is not supported; only models whose layers are all alike are")

    def equal(self, name: str, wanted: int) -> None:
        value = self._get(name)
        if value is not None and value != wanted:
            raise SpecError(f"config.{name}={value!r:.40} is not supported; only {wanted} is")
