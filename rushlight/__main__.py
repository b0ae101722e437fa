"""The command line: `rushlight COMMAND` or `python -m rushlight COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

import rushlight
from rushlight.commands import demo, info, run, where
from rushlight.commands.errors import CommandError


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line instead of usage and error."""

    def error(self, message: str) -> NoReturn:
        """Print `message` as one line on stderr and exit with code 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return the exit code.

    0 when it worked, 2 for bad input (one line on stderr), 130 after Ctrl-C. `run` does not
    return: the process becomes the program.
    """
    parser = OneLineParser(prog="rushlight", description="Rushlight's command line.")
    parser.add_argument("--version", action="version", version=rushlight.__version__)
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for command in (demo, info, run, where):
        command.add_to(commands)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except CommandError as error:
        print(f"rushlight {arguments.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nrushlight {arguments.command}: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
