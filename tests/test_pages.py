"""The pages of the documentation run and print what they show, as does the README's program."""

from __future__ import annotations

import doctest
import re
from itertools import pairwise
from pathlib import Path

import pytest

import rushlight as rl

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "docs/tour").glob("[0-9]*.md"))
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *CHAPTERS]
# A page shows the first line of an error and cuts the rest with dots.
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def blocks(text: str, language: str) -> str:
    """All blocks of `language` in a Markdown text, other lines left empty to keep line numbers."""
    inside, lines = False, []
    for line in text.splitlines():
        if line.startswith("```"):
            inside = line == f"```{language}"
            line = ""
        lines.append(line if inside else "")
    return "\n".join(lines) + "\n"


def examples(page: Path) -> doctest.DocTest:
    source = blocks(page.read_text(), "pycon")
    return doctest.DocTestParser().get_doctest(source, {}, page.stem, str(page), 0)


def test_there_are_ten_chapters_each_linked() -> None:
    assert len(CHAPTERS) == 10
    contents = (ROOT / "docs/tour/README.md").read_text()
    assert [f"({chapter.name})" in contents for chapter in CHAPTERS] == [True] * 10
    for chapter, following in pairwise(CHAPTERS):
        assert chapter.read_text().rstrip().endswith(f"({following.name}).")
        assert len(examples(chapter).examples) > 5


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page).examples],
                         ids=lambda page: page.stem)
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(examples(page), out=report.append)
    assert not report, "".join(report)


def test_every_page_can_be_found() -> None:
    start = (ROOT / "README.md").read_text() + (ROOT / "docs/README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"{page.name})" in start, f"no link to {page.name}"


def test_program_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    rl.manual_seed(0)
    source = blocks((ROOT / "README.md").read_text(), "python")
    exec(compile(source, "README.md", "exec"), {})
    assert float(capsys.readouterr().out) < 0.001


def test_links_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
