"""Where the time goes: operations and named blocks, counted and timed, as torch's profiler does."""

from rushlight.profiler.profile import (
    ProfilerAction,
    ProfilerActivity,
    emit_nvtx,
    profile,
    record_function,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)
from rushlight.profiler.table import EventList, FunctionEventAvg

__all__ = ["EventList", "FunctionEventAvg", "ProfilerAction", "ProfilerActivity", "emit_nvtx",
           "profile", "record_function", "schedule", "supported_activities",
           "tensorboard_trace_handler"]
