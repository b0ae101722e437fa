"""`rushlight run`: a program written for torch, as it is, on Rushlight."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from typing import Any

from rushlight.commands.errors import CommandError
from rushlight.compat.finder import FOLDER


def add_to(commands: Any) -> None:
    """Add the command `run` to the parser's `commands`."""
    parser = commands.add_parser(
        "run",
        prefix_chars="\0",  # every option belongs to the program, or to Python
        add_help=False,
        usage="rushlight run [-m MODULE | -c CODE | SCRIPT] [ARGS ...]",
        help="a program written for torch, unmodified: run script.py ARGS",
        description="Run a Python program with `import torch` giving Rushlight: everything after "
        "`run` is as after `python`.",
    )
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> None:
    """Become the Python that runs the program; its exit code is the program's.

    The program is the main program of an interpreter of its own, so that `__main__`, tracebacks,
    signals and child processes are Python's own.
    """
    given: list[str] = arguments.arguments
    if given[:1] in (["-h"], ["--help"]):
        arguments.parser.print_help()
        return
    if not given:
        raise CommandError("which program? (rushlight run script.py ARGS, or -m MODULE, -c CODE)")
    environment = dict(os.environ)
    paths = [str(FOLDER), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    command = [sys.executable, *given]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(sys.executable, command, environment)
    raise SystemExit(subprocess.run(command, env=environment).returncode)
