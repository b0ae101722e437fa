"""Worker processes leave nothing behind, do not hang after a fork, and take little memory."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rushlight as rl
from rushlight.utils.data import DataLoader, worker_pool

ROOT = Path(__file__).parents[2]


class Squares:
    """The square of each index, in an array that is large enough to be shared."""

    def __len__(self) -> int:
        return 11

    def __getitem__(self, index: int) -> rl.Tensor:
        return rl.full((40, 40), float(index * index))


def children() -> list[str]:
    """Processes whose parent this one is, by their state."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                found.append(folder.name)
    return found


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@linux
def test_nothing_is_left_behind(left_in_memory: Callable[[], set[str]],
                                open_descriptors: Callable[[int], int]) -> None:
    descriptors, before = open_descriptors(0), set(children())
    for _ in range(3):
        for _ in DataLoader(Squares(), 2, num_workers=2):
            pass
        for _ in DataLoader(Squares(), 2, num_workers=2):
            break
        iter(DataLoader(Squares(), 2, num_workers=2))
    del _  # the last batch holds its memory
    gc.collect()
    assert before.issuperset(children()) and not left_in_memory()
    assert open_descriptors(descriptors) <= descriptors


def test_workers_end_while_others_live_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were forked later have copies of what the first hear from: then the first would
    end by SIGTERM only, once patience is over."""
    monkeypatch.setattr(worker_pool, "PATIENCE", 60.0)  # a busy machine is slow to end them
    loader = DataLoader(Squares(), 1, num_workers=2)
    first = iter(loader)
    processes = [member.process for member in first._pool.members]
    second = iter(loader)
    started = time.monotonic()
    del first
    gc.collect()
    assert not any(process.is_alive() for process in processes)
    assert [process.exitcode for process in processes] == [0, 0]  # and not -SIGTERM
    assert time.monotonic() - started < 59 and len(list(second)) == 11


def test_ctrl_c_while_a_pass_is_given_up_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python ignores what a finalizer raises, but the user is to be heard."""
    end, interrupted = worker_pool._end, []

    def interrupted_once(*arguments: Any) -> None:
        interrupted.append(1)
        if len(interrupted) == 1:
            raise KeyboardInterrupt
        end(*arguments)

    monkeypatch.setattr(worker_pool, "_end", interrupted_once)
    passing = iter(DataLoader(Squares(), 2, num_workers=2))
    processes = [member.process for member in passing._pool.members]
    with pytest.raises(KeyboardInterrupt):
        del passing
        time.sleep(60)
    assert len(interrupted) == 2 and not any(process.is_alive() for process in processes)


PROGRAM = """
import os, sys, time
sys.path.insert(0, {root!r})
import rushlight as rl

class Slow:
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        time.sleep(0.05)
        return rl.ones(5000)

if __name__ == "__main__":
    loader = rl.utils.data.DataLoader(Slow(), 2, num_workers=2, **{options})
    for i, batch in enumerate(loader):
        if i == 1:
            with open("/proc/self/task/%d/children" % os.getpid()) as file:
                print(file.read(), flush=True)
"""


@linux
@pytest.mark.parametrize(("end", "options"), [
    ("SIGINT", {}), ("SIGINT", {"persistent_workers": True}),
    ("SIGINT", {"multiprocessing_context": "spawn"}), ("SIGTERM", {}), ("SIGKILL", {})])
def test_however_the_program_ends(end: str, options: dict[str, Any], tmp_path: Path,
                              left_in_memory: Callable[[], set[str]]) -> None:
    """Ctrl-C goes to all processes of the group; the others to the main one alone."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.format(root=str(ROOT), options=options))
    program = subprocess.Popen([sys.executable, str(path)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    assert program.stdout is not None
    workers = program.stdout.readline().split()
    assert len(workers) >= 2
    if end == "SIGINT":
        os.killpg(program.pid, signal.SIGINT)
    else:
        program.send_signal(getattr(signal, end))
    _, errors = program.communicate(timeout=300)
    assert end != "SIGINT" or errors.count("Traceback") == 1  # the main program's own
    deadline = time.monotonic() + 60
    while any(map(running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(running, workers))
    assert not left_in_memory()


def running(pid: str) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


FORKED = """
import sys
sys.path.insert(0, {root!r})
import rushlight as rl

class Heavy:
    def __len__(self):
        return 4
    def __getitem__(self, index):
        x = rl.ones(4, 16, 32, 32)
        y = rl.nn.functional.conv2d(x, rl.ones(16, 16, 3, 3), padding=1)
        z = rl.ones(300, 300) @ rl.ones(300, 300)
        return z.sum() + y.sum() + rl.exp(rl.zeros(10**6)).sum()

if __name__ == "__main__":
    expected = [Heavy()[0].item()] * 4  # the pool's threads and oneDNN are in use before the fork
    for _ in range(2):
        found = [b.item() for b in rl.utils.data.DataLoader(Heavy(), num_workers=2)]
        assert all(abs(f / e - 1) < 1e-5 for f, e in zip(found, expected)), (found, expected)
        assert abs(Heavy()[0].item() / expected[0] - 1) < 1e-5
    print("done")
"""


def test_threads_of_the_main_process_do_not_hang_workers() -> None:
    program = subprocess.run([sys.executable, "-c", FORKED.format(root=str(ROOT))],
                             capture_output=True, text=True, timeout=300)
    assert program.stdout == "done\n", program.stderr


@pytest.mark.slow
def test_the_first_batch_is_there_soon() -> None:
    next(iter(DataLoader(Squares(), 4, num_workers=2)))
    times = []
    for _ in range(3):
        started = time.perf_counter()
        next(iter(DataLoader(Squares(), 4, num_workers=2)))
        times.append(time.perf_counter() - started)
    assert min(times) < 0.3


FLAT = """
import os, sys
sys.path.insert(0, {root!r})
import rushlight as rl

def resident():
    '''Megabytes of this process and its children; what they share counts once.'''
    total, own = 0, str(os.getpid())
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{{pid}}/stat") as file:
                parent = file.read().rpartition(")")[2].split()[1]
            if own in (pid, parent):
                with open(f"/proc/{{pid}}/smaps_rollup") as file:
                    total += sum(int(line.split()[1]) for line in file
                                 if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
        except OSError:
            pass
    return total / 1024

data = [[float(i), str(i)] for i in range(200_000)]
if {packed}:
    data = rl.utils.data.PackedList(data)
class List:
    def __len__(self):
        return len(data)
    def __getitem__(self, index):
        return data[index][0]

before = resident()
loader = rl.utils.data.DataLoader(List(), 1000, shuffle=True, num_workers=2,
                                  persistent_workers={persistent})
after = []
for epoch in range(20):
    for number, batch in enumerate(loader):
        if number == 190:
            after.append(resident())
growth, first = max(after) - after[0], after[0] - before
print(f"{{growth:.0f}} {{first:.0f}}")
"""


@pytest.mark.slow
@linux
@pytest.mark.parametrize(("persistent", "packed"), [(False, False), (True, False), (True, True)])
def test_memory_is_flat_over_epochs(persistent: bool, packed: bool) -> None:
    """Of all processes together. A list of Python objects is copied to each worker once, as its
    reference counts are written to; packed, not even that."""
    code = textwrap.dedent(FLAT.format(root=str(ROOT), persistent=persistent, packed=packed))
    program = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    growth, first = map(int, program.stdout.split())
    assert growth < 16, program.stdout
    assert not packed or first < 75, program.stdout  # megabytes, of 100
