"""The method `summary` of modules, which gives way to a member of that name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rushlight.base.first_use import Deferred

if TYPE_CHECKING:
    from rushlight.nn import summary as page
else:
    page = Deferred("rushlight.nn.summary", globals())


class SummaryMethod:
    """`model.summary(*inputs)`, unless the model has a member of that name, as many have."""

    def __get__(self, module: Any, owner: Any = None) -> Any:
        if module is None:
            return page.summary
        for kind in ("_parameters", "_buffers", "_modules"):
            members = module.__dict__.get(kind, {})
            if "summary" in members:
                return members["summary"]
        return partial(page.summary, module)
