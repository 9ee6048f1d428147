"""`python -m engine plan`: the calculator for scripts and for people at a terminal."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.contracts import SpecError
from engine.planner.answer import plan
from engine.planner.hub import fetch_config
from engine.planner.options import CHOICES, FLAGS, NUMBERS, WHOLE


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise SpecError(f"{message}; see python -m engine plan --help")


def parser(program: str = "python -m engine plan") -> argparse.ArgumentParser:
    """Every option of the calculator; what is left out takes its default."""
    out = _Parser(prog=program, description="Memory, time and price of a fine-tune.", allow_abbrev=False)
    out.add_argument("--model", help="hub id in the catalogue")
    out.add_argument("--config", help="a config.json, in place of --model")
    out.add_argument("--hub", help="owner/name on the hub, whose config.json is fetched, in place of --model")
    for name, values in CHOICES.items():
        out.add_argument(f"--{name.replace('_', '-')}", help=", ".join(values))
    for name in WHOLE:
        out.add_argument(f"--{name.replace('_', '-')}", type=int)
    for name in NUMBERS:
        out.add_argument(f"--{name}", type=float)
    for name in FLAGS:
        out.add_argument(f"--{name.replace('_', '-')}", action="store_true", default=None)
    out.add_argument("--targets", help="q,v / qkvo / all-linear / module names")
    out.add_argument("--gpu", help="a listed name, or GiB")
    out.add_argument("--json", action="store_true", help="print one JSON object")
    out.add_argument("--stdin-jsonl", action="store_true", help="answer one question a line")
    return out


def read_arguments(argv: Sequence[str], program: str = "python -m engine plan") -> tuple[dict[str, Any], argparse.Namespace]:
    """The question as plain values, and the parsed flags. Raises SpecError for what the parser refuses."""
    parsed = parser(program).parse_args(list(argv))
    values = {key: value for key, value in vars(parsed).items() if value is not None and key not in ("json", "stdin_jsonl")}
    if "config" in values:
        values["config"] = read_config_file(values["config"])
    if "hub" in values:
        values["config"] = fetch_config(values.pop("hub"))
    return values, parsed


def read_config_file(path: str) -> Any:
    """A config.json as an object. Raises SpecError where there is none."""
    try:
        if Path(path).stat().st_size > 1_000_000:
            raise SpecError(f"config={path} is larger than 1 MB; a config.json has a few kB")
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise SpecError(f"config={path} cannot be read ({error.strerror}); give the path of a config.json") from None
    except (ValueError, RecursionError):
        raise SpecError(f"config={path} is not JSON; give the config.json of a model") from None


def main(argv: Sequence[str]) -> int:
    """Run the command. 0: answered; 2: the question was refused."""
    try:
        values, flags = read_arguments(argv)
        if flags.stdin_jsonl:
            return _many()
        found = plan(values)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(found) if flags.json else table(found))
    return 0


def _many() -> int:
    for line in sys.stdin:
        print(json.dumps(answer_line(line)), flush=True)
    return 0


def answer_line(line: str) -> dict[str, Any]:
    """One JSON line's answer, or {"error": ...} in its place."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return {"error": "the line is not JSON; give one object of options a line"}
    try:
        return plan(values)
    except SpecError as error:
        return {"error": str(error)}


def table(found: dict[str, Any]) -> str:
    """The answer for people."""
    words = {"fits": "fits", "tight": "tight: it may or may not fit", "exceeds": "does not fit"}
    low, high = found["interval_gib"]
    lines = [
        f"{found['gpu']}: {words[found['verdict']]} (90% interval {low:.1f} to {high:.1f} GiB, usable {found['usable_gib']:.1f} GiB)",
        "",
    ]
    lines += [f"  {name.replace('_', ' '):<18}{value:>10.3f} GiB" for name, value in found["terms_gib"].items() if value >= 0.0005]
    lines += [f"  {'peak allocated':<18}{found['peak_allocated_gib']:>10.3f} GiB   in the {found['phase']} phase"]
    lines += [
        f"  {'peak reserved':<18}{found['peak_reserved_gib']:>10.3f} GiB   nvidia-smi shows about {found['nvidia_smi_gib']:.1f} GiB",
        "",
    ]
    lines += [
        f"  parameters {found['total_params']:,}, trained {found['trainable_params']:,}; stored for a task {found['adapter_bytes']:,} bytes"
    ]
    if found["tokens_per_second"]:
        slow, fast = found["tokens_per_second"]
        assumed = ", speed assumed" if found["speed_assumed"] else ""
        lines += [f"  {slow:,.0f} to {fast:,.0f} tokens/s{assumed}"]
    if found["real_tokens_per_second"] not in (None, found["tokens_per_second"]):
        slow, fast = found["real_tokens_per_second"]
        lines += [f"  {slow:,.0f} to {fast:,.0f} tokens/s of text; the rest is padding, which --packing would leave out"]
    if found["hours"]:
        lines += [f"  {found['hours'][0]:.2f} to {found['hours'][1]:.2f} hours"]
    if found["cost_usd"]:
        lines += [f"  {found['cost_usd'][0]:.2f} to {found['cost_usd'][1]:.2f} US dollars"]
    lines += [f"  note: {note}" for note in found["notes"]]
    return "\n".join(lines)
