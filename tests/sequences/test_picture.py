"""The picture of the chapter is what its script draws."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "draw_ragged.py"


def test_the_picture_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("draw_ragged", TOOL)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.PICTURE.read_text(encoding="utf-8") == tool.picture()
