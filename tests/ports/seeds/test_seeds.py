"""Programs from five texts about early PyTorch, run with only their import lines changed."""

from __future__ import annotations

import random
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rushlight as rl
from rushlight import nn
from rushlight.autograd import Variable
from rushlight.nn import functional as F
from rushlight.utils.data import DataLoader, Dataset, TensorDataset

FRAGMENTS = Path(__file__).parent / "fragments"
ROOT = Path(__file__).parents[3]


def run(name: str, **given: Any) -> dict[str, Any]:
    """Run the fragment, with `given` as the names that its text takes for granted."""
    return runpy.run_path(str(FRAGMENTS / f"{name}.py"), init_globals=given)


def blobs(count: int = 160) -> TensorDataset:
    """Images of two classes that differ in brightness."""
    generator = rl.Generator().manual_seed(0)
    labels = rl.arange(count) % 2
    noise = 0.3 * rl.randn(count, 1, 28, 28, generator=generator)
    return TensorDataset(labels.float().view(-1, 1, 1, 1) + noise, labels)


def test_gradient_of_the_variable_example(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("variable")
    assert names["x"].grad.tolist() == [[4.5, 4.5], [4.5, 4.5]]
    assert capsys.readouterr().out == "tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])\n"


def test_grad_fn_slide(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("grad_fn")
    y, z = names["y"], names["z"]
    assert z.grad_fn.next_functions[0][0] is y.grad_fn
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "None"
    assert lines[1].startswith("<AddBackward0 object at 0x")
    assert lines[2].startswith("<MulBackward0 object at 0x")
    assert lines[3].startswith("((<AddBackward0 object at 0x")
    assert lines[3].endswith(">, 0), (None, 0))") or lines[3].endswith(">, 0),)")


def test_power() -> None:
    rl.manual_seed(1)
    names = run("power")
    inp, output = names["inp"], names["output"]
    assert tuple(output.shape) == (100,)
    assert rl.allclose(output, inp * inp * inp)
    x = rl.tensor([1.0, 2.0], requires_grad=True)
    names["cube"](x).sum().backward()
    assert x.grad.tolist() == [3.0, 12.0]


def test_training_slide_without_learning_rate() -> None:
    rl.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    before = net[1].weight.detach().clone()
    data = blobs()
    loss_fn = nn.CrossEntropyLoss()
    first = loss_fn(net(data.tensors[0]), data.tensors[1]).item()
    loader = DataLoader(data, batch_size=6)
    names = run("training", net=net, image_data_loader=loader, loss_fn=loss_fn)
    assert names["optimizer"].param_groups[0]["lr"] == 0.001
    assert loss_fn(net(data.tensors[0]), data.tensors[1]).item() < first
    assert not rl.equal(before, net[1].weight)


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
def test_net_and_loop() -> None:
    rl.manual_seed(0)
    net_class = run("net")["Net"]
    assert [tuple(p.shape) for p in net_class().parameters()] == [
        (1, 1, 5, 5), (1,), (1, 1, 5, 5), (1,), (100, 100), (100,), (10, 100), (10,),
    ]  # fmt: skip
    rl.manual_seed(0)
    data = blobs()
    names = run("loop", Net=net_class, trainloader=DataLoader(data, batch_size=4))
    images, labels = data.tensors
    rl.manual_seed(0)
    before = F.nll_loss(net_class()(images), labels).item()
    after = F.nll_loss(names["net"](images), labels).item()
    assert after < before - 0.5
    assert names["epoch"] == 19


def test_a_random_number_of_shared_layers() -> None:
    """Between 1 and 4 linear layers each pass, all of them the same one."""

    class Crazy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(3, 5)
            self.shared = nn.Linear(5, 5)
            self.last = nn.Linear(5, 1)

        def forward(self, x: rl.Tensor) -> rl.Tensor:
            x = self.first(x).clamp(min=0)
            self.depth = random.randint(1, 4)
            for _ in range(self.depth):
                x = self.shared(x).clamp(min=0)
            return self.last(x)

    random.seed(0)
    rl.manual_seed(0)
    net = Crazy()
    assert len(list(net.parameters())) == 6
    optimizer = rl.optim.SGD(net.parameters(), lr=0.05, momentum=0.5)
    x = rl.randn(16, 3)
    target = x.sum(1, keepdim=True)
    depths, losses = set(), []
    for _ in range(60):
        loss = F.mse_loss(net(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        depths.add(net.depth)
        losses.append(loss.item())
    assert depths == {1, 2, 3, 4}
    assert sum(losses[-10:]) < sum(losses[:10])


def test_submodules_belong_to_their_parent() -> None:
    inner = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    outer = nn.Sequential(inner, nn.Linear(2, 1))
    assert len(list(outer.parameters())) == 6
    assert next(iter(outer.state_dict())) == "0.0.weight"


def test_a_dataset_needs_getitem_and_a_length() -> None:
    class Squares(Dataset):
        def __getitem__(self, index: int) -> tuple[float, int]:
            return float(index), index * index

        def __len__(self) -> int:
            return 5

    batches = list(DataLoader(Squares(), batch_size=2))
    assert [batch[1].tolist() for batch in batches] == [[0, 1], [4, 9], [16]]


def test_notes_of_a_first_attempt() -> None:
    """What "My first attempt on Pytorch" (2017) says about Variable, detach and volatile."""
    v = Variable(rl.tensor([2.0, 3.0]), requires_grad=True)
    w = v * v
    assert not w.detach().requires_grad
    assert not Variable(w.data).requires_grad
    with pytest.warns(Warning, match="volatile"):
        frozen = Variable(rl.ones(2), volatile=True)
    assert not frozen.requires_grad
    loss = w.sum()
    with pytest.warns(Warning, match="retain_variables"):
        loss.backward(retain_variables=True)
    loss.backward()
    assert v.grad.tolist() == [8.0, 12.0]
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        loss.backward()


def test_python_loops_and_conditions_make_the_graph() -> None:
    x = rl.tensor(1.5, requires_grad=True)
    y, steps = x, 0
    while y < 100:
        y = y * y if steps % 2 else y * 3
        steps += 1
    y.backward()
    assert steps == 4  # 4.5, 20.25, 60.75, 3690.5625
    assert y.item() == 3690.5625
    assert x.grad.item() == pytest.approx(4 * 3690.5625 / 1.5)


def test_what_was_missing_then() -> None:
    """Index with tensors on any dimension; mask a loss; `torch.Tensor(3, 4)`; `.numpy()`."""
    x = rl.arange(24).view(2, 3, 4)
    assert x[:, [2, 0]].tolist() == [[[8, 9, 10, 11], [0, 1, 2, 3]],
                                     [[20, 21, 22, 23], [12, 13, 14, 15]]]  # fmt: skip
    ends = rl.tensor([True, False, False, True])
    assert x[..., ends][1].tolist() == [[12, 15], [16, 19], [20, 23]]
    scores = rl.zeros(4, 3, requires_grad=True)
    F.cross_entropy(scores, rl.tensor([0, 1, -100, -100])).backward()
    assert scores.grad[2:].tolist() == [[0.0] * 3] * 2
    assert scores.grad[0].tolist() != [0.0] * 3
    assert tuple(rl.Tensor(3, 4).shape) == (3, 4)
    array = rl.rand(2, 2).numpy()
    assert array.shape == (2, 2) and ((array >= 0) & (array < 1)).all()


@pytest.mark.slow
def test_example_reaches_its_figure_on_full_mnist(request: pytest.FixtureRequest) -> None:
    """Needs the full files: `pytest -m slow --mnist DIR`."""
    data = request.config.getoption("--mnist")
    if data is None:
        pytest.skip("give the folder of the full idx files with --mnist DIR")
    command = [sys.executable, str(ROOT / "examples/mnist_seed.py"), "--data", data]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
