"""What goes wrong in workers is raised in the main process, and says where it happened."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from typing import Any

import pytest

from rushlight.utils.data import DataLoader


class Special(Exception):
    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


class Failing:
    def __init__(self, error: Any) -> None:
        self.error = error

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> int:
        if index == 3:
            raise self.error
        return index


@pytest.mark.parametrize(("error", "kind"), [
    (ValueError("bad pixel"), ValueError), (KeyError("bad pixel"), KeyError),
    (Special(1, 2), RuntimeError)])
def test_errors_say_where_they_come_from(error: Exception, kind: type[Exception]) -> None:
    loader = DataLoader(Failing(error), 2, num_workers=2)
    passing = iter(loader)
    assert next(passing).tolist() == [0, 1]
    with pytest.raises(kind) as caught:
        next(passing)
    text = str(caught.value)
    assert text.startswith(f"Caught {type(error).__name__} in DataLoader worker process 1.")
    assert "It was fetching sample 3." in text and "Original Traceback (most recent" in text
    assert "raise self.error" in text and __file__ in text
    assert next(passing).tolist() == [4, 5]


class Unknown:
    """A batch, and an error, that cannot be pickled."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        class Local(Exception):
            pass

        if index == 0:
            raise Local("of a class that nobody else knows")
        return lambda: 0


def broken_start(number: int) -> None:
    raise OSError(f"no disk for worker {number}")


def test_errors_of_all_sorts() -> None:
    passing = iter(DataLoader(Unknown(), batch_size=None, num_workers=1))
    with pytest.raises(RuntimeError, match="Caught Local in DataLoader worker process 0"):
        next(passing)
    with pytest.raises(Exception, match=r"(?s)Caught \w+ in DataLoader worker process 0.*pickle"):
        next(passing)
    with pytest.raises(OSError, match=r"(?s)Caught OSError.*no disk for worker 0"):
        list(DataLoader(range(2), num_workers=1, worker_init_fn=broken_start))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stop_iteration_does_not_end_the_epoch_silently(workers: int) -> None:
    with pytest.raises(RuntimeError, match="raised StopIteration for sample 3"):
        list(DataLoader(Failing(StopIteration()), 2, num_workers=workers))


def test_errors_in_the_main_process_say_which_sample() -> None:
    with pytest.raises(ValueError, match="bad pixel") as caught:
        list(DataLoader(Failing(ValueError("bad pixel")), 2))
    assert "sample 3" in str(caught.value.__notes__)


class Dying:
    def __init__(self, how: str) -> None:
        self.how = how

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        if index == 5:
            if self.how == "exit":
                os._exit(7)
            os.kill(os.getpid(), getattr(signal, self.how))
            time.sleep(300)
        return index


@pytest.mark.parametrize(("how", "named"), [
    ("SIGKILL", "killed by SIGKILL"), ("SIGSEGV", "killed by SIGSEGV"), ("exit", "exit code 7")])
@pytest.mark.parametrize("persistent", [False, True])
def test_a_worker_that_dies_ends_the_loop(how: str, named: str, persistent: bool) -> None:
    before, started = multiprocessing.active_children(), time.monotonic()
    loader = DataLoader(Dying(how), 2, num_workers=2, persistent_workers=persistent)
    with pytest.raises(RuntimeError, match=rf"DataLoader worker \(pid\(s\) \d+, {named}\) exited"):
        list(loader)
    assert time.monotonic() - started < 60
    assert set(multiprocessing.active_children()) <= set(before)


def test_a_worker_that_is_killed_while_it_waits() -> None:
    loader = DataLoader(range(100), num_workers=2, persistent_workers=True)
    passing = iter(loader)
    next(passing)
    os.kill(loader._pool.members[1].process.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(passing)
    assert len(list(loader)) == 100  # with new workers
