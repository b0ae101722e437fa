"""The page of what goes beyond torch runs, and prints what it shows."""

from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/better.md"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def test_page() -> None:
    inside, lines = False, []
    for line in PAGE.read_text().splitlines():
        if line.startswith("```"):
            inside, line = line == "```pycon", ""
        lines.append(line if inside else "")  # empty lines keep the numbers
    source = "\n".join(lines) + "\n"
    test = doctest.DocTestParser().get_doctest(source, {}, "better", str(PAGE), 0)
    assert len(test.examples) > 15
    report: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=report.append)
    assert not report, "".join(report)
