"""Checkpoints of a run: what is kept and refused, and that a resumed run goes on bit for bit."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn
from rushlight.checkpoint import entries
from rushlight.utils.data import DataLoader, TensorDataset


class Run:
    """A small training run with everything that has a state."""

    def __init__(self) -> None:
        rl.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3),
                                   nn.Linear(8, 1))
        self.optimizer = rl.optim.AdamW(self.model.parameters(), lr=0.01)
        self.scheduler = rl.optim.lr_scheduler.StepLR(self.optimizer, 3)
        x = rl.randn(30, 4)
        self.loader = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), 4, shuffle=True)

    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "optimizer": self.optimizer, "scheduler": self.scheduler,
                "loader": self.loader}

    def steps(self, count: int, folder: Path | None = None, first: int = 0) -> list[float]:
        """The losses of the next steps, saved after each."""
        losses: list[float] = []
        while len(losses) < count:
            for x, y in self.loader:
                noise = random.random() + np.random.rand()
                loss = (self.model(x + 0.01 * noise) - y).square().mean()
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                losses.append(loss.item())
                if folder is not None:
                    rl.checkpoint.save(folder, first + len(losses), **self.parts())
                if len(losses) == count:
                    break
            else:
                self.scheduler.step()
        return losses


@pytest.mark.parametrize("stop", [1, 5, 8, 11])  # 8 batches an epoch
def test_a_resumed_run_goes_on_bit_for_bit(tmp_path: Path, stop: int) -> None:
    uninterrupted = Run().steps(20)
    assert Run().steps(stop, tmp_path) == uninterrupted[:stop]
    resumed = Run()
    resumed.steps(3)  # whatever happened before
    random.seed(5)
    found = rl.checkpoint.load(tmp_path, **resumed.parts())
    assert found.step == stop
    assert resumed.steps(20 - stop) == uninterrupted[stop:]


def keep_steps(folder: Path, metrics: list[float | None], **options: Any) -> list[int]:
    for step, metric in enumerate(metrics):
        rl.checkpoint.save(folder, step, metric=metric, **options)
    return [entry.step for entry in entries(folder)]


def test_the_last_and_the_best_are_kept(tmp_path: Path) -> None:
    metrics = [3.0, 1.0, 2.0, float("nan"), 2.5, 1.0]
    assert keep_steps(tmp_path / "a", metrics, keep=2) == [1, 4, 5]
    assert keep_steps(tmp_path / "b", metrics, keep=2, mode="max") == [0, 4, 5]
    assert keep_steps(tmp_path / "c", metrics, keep=2, keep_best=False) == [4, 5]
    assert keep_steps(tmp_path / "d", metrics, keep=None) == [0, 1, 2, 3, 4, 5]
    assert rl.checkpoint.load(tmp_path / "a", "best").step == 1
    assert rl.checkpoint.load(tmp_path / "b", "best").metric == 3.0
    assert rl.checkpoint.load(tmp_path / "a").step == 5
    assert rl.checkpoint.load(tmp_path / "a", 4).metric == 2.5


def test_a_step_saved_again_replaces_the_one_before(tmp_path: Path) -> None:
    rl.checkpoint.save(tmp_path, 3, metric=1.0, note="old", keep=1, keep_best=False)
    rl.checkpoint.save(tmp_path, 3, metric=2.0, note="new", keep=1, keep_best=False)
    assert [entry.metric for entry in entries(tmp_path)] == [2.0]
    assert rl.checkpoint.load(tmp_path)["note"] == "new"


def test_a_run_that_begins_again_in_the_folder_of_another(tmp_path: Path) -> None:
    keep_steps(tmp_path, [None] * 9, keep=2)
    with pytest.warns(UserWarning, match=r"later step than step-1\.ckpt: step-8\.ckpt"):
        rl.checkpoint.save(tmp_path, 1, keep=2)
    assert [entry.step for entry in entries(tmp_path)] == [1, 7, 8]  # what was just saved stays


def test_metrics_of_any_size_come_back(tmp_path: Path) -> None:
    for step, metric in enumerate([1e-12, -3.5e20, 0.1, float("inf"), 5]):
        rl.checkpoint.save(tmp_path, step, metric=metric, keep=None)
    assert [entry.metric for entry in entries(tmp_path)] == [1e-12, -3.5e20, 0.1, float("inf"), 5]


def test_values_and_states_that_are_not_asked_for_are_returned(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    rl.checkpoint.save(tmp_path, 1, model=model, config={"lr": 0.1, "names": ["a"]}, seen=None)
    found = rl.checkpoint.load(tmp_path)
    assert found["config"] == {"lr": 0.1, "names": ["a"]} and found["seen"] is None
    assert set(found["model"]) == {"weight", "bias"}


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "step-1.txt").write_text("mine")
    (tmp_path / "step-x.ckpt").write_text("mine")
    rl.checkpoint.save(tmp_path, 1, keep=1)
    assert (tmp_path / "step-1.txt").exists() and (tmp_path / "step-x.ckpt").exists()
    assert len(entries(tmp_path)) == 1


def test_errors(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    with pytest.raises(FileNotFoundError, match="there is none"):
        rl.checkpoint.load(tmp_path / "none", model=model)
    rl.checkpoint.save(tmp_path, 1, model=model, rate=0.1)
    with pytest.raises(FileNotFoundError, match=r"no checkpoint 2 .*there are steps 1"):
        rl.checkpoint.load(tmp_path, 2)
    with pytest.raises(FileNotFoundError, match="without a metric"):
        rl.checkpoint.load(tmp_path, "best")
    with pytest.raises(ValueError, match="'last', 'best' or a step"):
        rl.checkpoint.load(tmp_path, "newest")
    with pytest.raises(KeyError, match="no part 'optimizer'; it has model, rate"):
        rl.checkpoint.load(tmp_path, optimizer=rl.optim.SGD(model.parameters()))
    with pytest.raises(TypeError, match="rate: float has no load_state_dict"):
        rl.checkpoint.load(tmp_path, rate=0.1)
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        rl.checkpoint.load(tmp_path, model=nn.Linear(3, 1))
    with pytest.raises(ValueError, match="step must be a whole number"):
        rl.checkpoint.save(tmp_path, -1)
    with pytest.raises(ValueError, match="mode must be"):
        rl.checkpoint.save(tmp_path, 1, mode="less")
    with pytest.raises(ValueError, match="keep must be at least 1"):
        rl.checkpoint.save(tmp_path, 1, keep=0)
    with pytest.raises(TypeError, match=r"run: a .*Run is neither a tensor nor a plain value"):
        rl.checkpoint.save(tmp_path, 1, run=Run())
