"""make bench: what is measured, each against a peer in the same run. Prints a table and writes nothing."""

from __future__ import annotations

import argparse

from tests.bench import floor, methods, planner, practice, runs, scenes, training, web

PARTS = {
    "web": web.measure,
    "planner": planner.measure,
    "practice": practice.measure,
    "scenes": scenes.measure,
    "runs": runs.measure,
    "training": training.measure,
    "methods": methods.measure,
    "floor": floor.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them if left out")
    for name in parser.parse_args().parts or PARTS:
        print(f"\n{name}")
        for row in PARTS[name]():
            print(f"  {row.what:<66}{row.figure:>22}  {row.goal}", flush=True)


if __name__ == "__main__":
    main()
