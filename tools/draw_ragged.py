"""Draw docs/pictures/ragged.svg: a padded batch beside a ragged one. python tools/draw_ragged.py"""

from __future__ import annotations

from pathlib import Path

LENGTHS = (6, 2, 9, 1, 4)
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1")
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "ragged.svg"
SIDE, GAP, LEFT = 22, 4, 12
STEP = SIDE + GAP


def cell(x: float, y: float, colour: str) -> str:
    """One step of a sequence; padding is an empty square."""
    style = f'fill="{colour}"' if colour else (
        'fill="none" stroke="#b0b0b0" stroke-dasharray="3 3"')
    return f'<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" rx="3" {style}/>'


def label(x: float, y: float, text: str) -> str:
    """A line of text."""
    return f'<text x="{x}" y="{y}" font-family="sans-serif" font-size="13" fill="#606060">{text}' \
           "</text>"


def picture() -> str:
    """The whole picture as SVG."""
    longest, total = max(LENGTHS), sum(LENGTHS)
    padded = len(LENGTHS) * longest
    parts = [label(LEFT, 20, f"padded: {len(LENGTHS)} x {longest} = {padded} steps")]
    for row, (length, colour) in enumerate(zip(LENGTHS, COLOURS, strict=True)):
        for place in range(longest):
            parts.append(cell(LEFT + place * STEP, 30 + row * STEP,
                              colour if place < length else ""))
    below = 30 + len(LENGTHS) * STEP + 30
    text = f"ragged: values of {total} steps, end to end, and offsets"
    parts.append(label(LEFT, below - 10, text))
    x, offset = LEFT, 0
    for length, colour in zip(LENGTHS, COLOURS, strict=True):
        parts.append(label(x, below + SIDE + 18, str(offset)))
        for _ in range(length):
            parts.append(cell(x, below, colour))
            x += STEP
        offset += length
    parts.append(label(x, below + SIDE + 18, str(offset)))
    width, height = x + 30, below + SIDE + 30
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}">\n{body}\n</svg>\n')


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8")
    print(f"wrote {PICTURE}")
