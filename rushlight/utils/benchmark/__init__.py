"""Timing of statements: `Timer`, `Compare` for tables, `Fuzzer` for inputs of many shapes."""

from rushlight.utils.benchmark.compare import Compare
from rushlight.utils.benchmark.fuzzer import (
    FuzzedParameter,
    FuzzedTensor,
    Fuzzer,
    ParameterAlias,
)
from rushlight.utils.benchmark.measurement import Measurement, TaskSpec
from rushlight.utils.benchmark.timer import Language, Timer

__all__ = ["Compare", "FuzzedParameter", "FuzzedTensor", "Fuzzer", "Language", "Measurement",
           "ParameterAlias", "TaskSpec", "Timer"]
