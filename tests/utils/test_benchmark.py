"""Measurements print as torch's do, and tables compare them."""

from __future__ import annotations

import pickle

import pytest

from rushlight.utils.benchmark import Compare, Language, Measurement, TaskSpec, Timer


def measured(times: list[float], number: int = 1, **words: object) -> Measurement:
    return Measurement(number, times, TaskSpec(**{"stmt": "f(x)", **words}))  # type: ignore


def test_one_measurement() -> None:
    text = repr(measured([0.00379], 10, setup="x = 1", label="L", sub_label="s", num_threads=4))
    first, *rest = text.splitlines()
    assert first.startswith("<torch.utils.benchmark.utils.common.Measurement object at 0x")
    assert rest == ["L: s", "setup: x = 1", "  379.00 us", "  1 measurement, 10 runs , 4 threads"]


def test_several_measurements() -> None:
    lines = repr(measured([3.7e-3, 3.8e-3, 4.9e-3, 6e-3], 10)).splitlines()
    assert lines[2:] == [
        "  Median: 435.00 us", "  IQR:    140.00 us (377.50 to 517.50)",
        "  4 measurements, 10 runs per measurement, 1 thread",
        "  WARNING: Interquartile range is 32.2% of the median measurement.",
        "           This suggests significant environmental influence."]


def test_tables() -> None:
    results = [measured([1e-5 * (i + 1) * scale], label="dot", sub_label=row, description=column,
                        num_threads=threads)
               for threads in (1, 4) for row, scale in (("[1, 1]", 1), ("[64, 100]", 40))
               for i, column in enumerate(("mul/sum", "bmm"))]
    assert str(Compare(results)).splitlines() == [
        "[--------------- dot ---------------]",
        "                 |  mul/sum  |   bmm ",
        "1 threads: --------------------------",
        "      [1, 1]     |    10.0   |   20.0",
        "      [64, 100]  |   400.0   |  800.0",
        "4 threads: --------------------------",
        "      [1, 1]     |    10.0   |   20.0",
        "      [64, 100]  |   400.0   |  800.0",
        "", "Times are in microseconds (us)."]


def test_timer_and_what_it_measured() -> None:
    timer = Timer("x + x", setup="y = 2", globals={"x": 1}, label="adding")
    found = timer.blocked_autorange(min_run_time=0)
    assert (found.number_per_run, found.label, found.stmt, len(found.times)) == (
        1, "adding", "x + x", 1)
    again = pickle.loads(pickle.dumps(found))
    assert again.raw_times == found.raw_times and again.task_spec == found.task_spec
    merged, = Measurement.merge([found, again])
    assert len(merged.times) == 2
    with pytest.raises(NotImplementedError, match="statements are Python"):
        Timer("x * y;", language=Language.CPP)
