"""What `pip install rushlight` downloads, in MB: python bench/size.py [EXTRA ...]"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def main(extras: list[str]) -> None:
    """Download the dependencies (of the given extras, too) into a temporary folder and add up."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip"]
        command = [*pip, "download", "--quiet", "--dest", folder, *wanted]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        command = [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, PROJECT.parent]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        sizes = {file.name.split("-")[0]: file.stat().st_size for file in Path(folder).iterdir()}
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{name:20}{size / 1e6:8.1f}")
    print(f"{'together':20}{sum(sizes.values()) / 1e6:8.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
