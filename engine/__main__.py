"""The command line: python -m engine spec | train | tasks | models | runs | doctor | plan | trace."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from engine.cli import app
from engine.contracts import DeltaLabError, SpecError, UnknownRunError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its work, 1 for what failed on the way, 2 for bad input, said in one sentence."""
    try:
        return app(args=arguments, standalone_mode=False) or 0
    except DeltaLabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, (SpecError, UnknownRunError)) else 1
    except typer.TyperException as error:
        print(f"error: {error.format_message()} See: python -m engine --help", file=sys.stderr)
        return 2
    except (typer.Abort, KeyboardInterrupt):
        print("error: stopped", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
