"""The worked examples in docs/architecture.md: they run as written, and do what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/architecture.md"

# The page shows the declarations; these lines use them. They run in a process of their own, since
# a declaration adds its names to Tensor for good.
USE = """
x = rl.tensor([[1.0, -2.0, 40.0], [0.5, 3.0, -60.0]], dtype=rl.float64, requires_grad=True)
assert rl.allclose(x.softcap(5.0), 5 * rl.tanh(x / 5))
assert rl.allclose(rl.tensor([60, 0]).softcap(), rl.tensor([28.9208, 0.0]))
y = x.detach().clone()
assert y.softcap_(2.0) is y and y.abs().max() <= 2
gradcheck(lambda x: x.softcap(5.0), x)
gradgradcheck(lambda x: x.softcap(5.0), x)

tall = rl.arange(5.0)
half = tall.every_other()
half[1] = 20
assert tall.tolist() == [0.0, 1.0, 20.0, 3.0, 4.0]
gradcheck(every_other, rl.randn(5, 2, dtype=rl.float64, requires_grad=True))

assert rl.allclose(x.gram(), x @ x.t())
gradcheck(gram, x)
gradgradcheck(gram, x)

assert rl.allclose(x.unit_rows(0), x / (x * x).sum(0, keepdim=True).sqrt())
gradcheck(unit_rows, x)
gradgradcheck(unit_rows, x)

counts = rl.tensor([2, 0, 1])
rows = rl.randn(3, 2, dtype=rl.float64, requires_grad=True)
assert rl.equal(rows.repeat_rows(counts), rows[[0, 0, 2]])
gradcheck(lambda rows: rows.repeat_rows(counts), rows)

rl.manual_seed(0)
drawn = rl.empty(1000).symmetric_(3)
assert -3 <= drawn.min() < -2.9 and 2.9 < drawn.max() < 3

z = x.standardize()
assert rl.allclose(z.mean(-1), rl.zeros(2, dtype=rl.float64), atol=1e-12)
gradcheck(standardize, rl.randn(3, 4, dtype=rl.float64, requires_grad=True))

assert {name: PATHS[name].family for name in
        ("softcap", "unit_rows", "every_other", "gram", "repeat_rows", "standardize")} == {
    "softcap": "pointwise", "unit_rows": "rowwise", "every_other": "view", "gram": "library",
    "repeat_rows": "index", "standardize": "composite"}
print("done")
"""


def test_examples_of_every_family(tmp_path: Path) -> None:
    inside, lines = False, []
    page = PAGE.read_text()
    for line in page[page.index("## Adding an operation") :].splitlines():
        if line.startswith("```"):
            inside = line == "```python"
        elif inside:
            lines.append(line)
    program = tmp_path / "examples.py"
    program.write_text(
        "\n".join(
            [
                "from __future__ import annotations",
                "import rushlight as rl",
                "from rushlight.autograd import gradcheck, gradgradcheck",
                "from rushlight.families.declaration import PATHS",
                *(line for line in lines if "__future__" not in line),
                USE,
            ]
        )
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True)
    assert done.stdout == "done\n", done.stderr
