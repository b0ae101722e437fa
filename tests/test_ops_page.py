"""docs/ops.md is what the declarations say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_is_up_to_date() -> None:
    command = [sys.executable, "-m", "tools.write_ops_page", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stdout[:4000] + result.stderr[-2000:]
