"""`torch.utils.checkpoint`: both kinds, random numbers, contexts and errors, as programs."""

from __future__ import annotations

PREPARE = """
import contextlib
from importlib import import_module
C = import_module(torch.__name__ + ".utils.checkpoint")
c, seq = C.checkpoint, C.checkpoint_sequential
x = data(4, 3, grad=True)
l = nn.Linear(3, 3)
def caught(f):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        r = f()
    return r, [(w.category.__name__, str(w.message)[:60]) for w in found]
def grads(f, *given, **k):
    x.grad = None; l.zero_grad()
    y = c(f, *(given or (x,)), **k)
    (y[0] if isinstance(y, tuple) else y).square().sum().backward()
    return x.grad, l.weight.grad
"""

BOTH = PREPARE + """
f = lambda x: (l(x).relu() @ l.weight).sin()
grads(f, use_reentrant=False)
grads(f, use_reentrant=True)
grads(lambda x: (f(x), 3, None, x * 2), use_reentrant=False)
grads(lambda x: (f(x), 3, None, x * 2), use_reentrant=True)
caught(lambda: c(f, x).shape)
caught(lambda: c(f, x, use_reentrant=None).shape)
caught(lambda: c(f, x.detach(), use_reentrant=True).requires_grad)
caught(lambda: c(f, x.detach(), use_reentrant=False).requires_grad)
grads(f, x.detach(), use_reentrant=False)
c(f, x, use_reentrant=True, k=3)
c(lambda x, k=1: x * k, x, use_reentrant=False, k=3)
c(lambda x, k=1: x * k["a"], x, use_reentrant=False, k={"a": x}).sum().backward()
c(f, x, use_reentrant=True, context_fn=lambda: (contextlib.nullcontext(), contextlib.nullcontext()))
c(f, x, use_reentrant=True, debug=True)
c(f, x, use_reentrant=False, debug=True).shape
c(f, x, use_reentrant=False, determinism_check="none").shape
c(f, x, use_reentrant=False, determinism_check="x").shape
c(f, x, use_reentrant=False, early_stop=False).shape
c(f, x, use_reentrant=True, early_stop=False).shape
with torch.no_grad():
    y = c(f, x, use_reentrant=True), c(f, x, use_reentrant=False)
[t.requires_grad for t in y]
c(lambda: 3, use_reentrant=False)
c(lambda: 3, use_reentrant=True)
c(3, x, use_reentrant=False)
c(lambda a: a[0] * 2, [x], use_reentrant=False).requires_grad
caught(lambda: c(lambda a: a[0] * 2, [x], use_reentrant=True).requires_grad)
c(lambda a, b: a * b, x, 3.0, use_reentrant=True).requires_grad
c(lambda x: x, x, use_reentrant=False) is x
y = c(f, x, use_reentrant=False); torch.autograd.grad(y.sum(), x)
y = c(f, x, use_reentrant=False); y.sum().backward(inputs=[x])
y = c(f, x, use_reentrant=False); y.sum().backward(); y.sum().backward()
y = c(f, x, use_reentrant=False); y.sum().backward(retain_graph=True); y.sum().backward(); x.grad
y = c(f, x, use_reentrant=True); y.sum().backward(retain_graph=True); y.sum().backward(); x.grad
y = c(f, x, use_reentrant=True); y.sum().backward(); y.sum().backward()
y = c(f, x, use_reentrant=False); g, = torch.autograd.grad(y.sum(), x,
    create_graph=True); g.sum().backward(); x.grad
grads(lambda x: c(lambda z: l(z).tanh(), x, use_reentrant=False) * x, use_reentrant=False)
grads(lambda x: c(lambda z: l(z).tanh(), x, use_reentrant=True) * x, use_reentrant=True)
grads(lambda x: c(lambda z: l(z).tanh(), x, use_reentrant=False) * x, use_reentrant=True)
m = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 3))
def dropped(**k):
    torch.manual_seed(1)
    x.grad = None
    y = c(m, x, **k); y.sum().backward()
    return x.grad, y, torch.rand(2)
dropped(use_reentrant=False)
dropped(use_reentrant=True)
dropped(use_reentrant=False, preserve_rng_state=True)
dropped(use_reentrant=False, preserve_rng_state=False)[1:2]
dropped(use_reentrant=True, preserve_rng_state=True)
y = c(f, x, use_reentrant=True); y.grad_fn.name()
"""

CONTEXTS = PREPARE + """
@contextlib.contextmanager
def note(name):
    log.append("in " + name)
    yield
    log.append("out " + name)
f = lambda x: (log.append("run"), l(x).sin())[1]
y = c(f, x, use_reentrant=False, context_fn=lambda: (note("forward"), note("again")),
    early_stop=False)
log
y.sum().backward()
log
def changing():
    k = []
    def f(x):
        k.append(1)
        return l(x).sin().cos() if len(k) == 1 else l(x).sin()
    return f
c(changing(), x, use_reentrant=False).sum().backward()
c(changing(), x, use_reentrant=False, determinism_check="none").sum().backward()
def reshaping():
    k = []
    def f(x):
        k.append(1)
        return (x[:2] if len(k) == 1 else x[:3]).sin().sum()
    return f
c(reshaping(), x, use_reentrant=False).backward()
def more():
    k = []
    def f(x):
        k.append(1)
        return l(x).sin().cos() if len(k) > 1 else l(x).sin()
    return f
c(more(), x, use_reentrant=False, early_stop=False).sum().backward()
def failing():
    k = []
    def f(x):
        k.append(1)
        if len(k) > 1: raise KeyError("again")
        return x.sin()
    return f
c(failing(), x, use_reentrant=False).sum().backward()
c(failing(), x, use_reentrant=True).sum().backward()
with C.set_checkpoint_early_stop(False):
    y = c(f, x, use_reentrant=False)
log.clear()
def early(x):
    y = l(x).sin().sum()
    log.append("end")
    return y
c(early, x, use_reentrant=False, early_stop=False).backward()
log
log.clear()
with C.set_checkpoint_early_stop(False):
    c(early, x, use_reentrant=False).backward()
log
C.set_checkpoint_debug_enabled(True).__enter__()
C.set_checkpoint_debug_enabled(None).__enter__()
C.DefaultDeviceType.get_device_type()
C.check_backward_validity([x])
caught(lambda: C.check_backward_validity([x.detach()]))
C.detach_variable((x, 3))[0].requires_grad, C.detach_variable((x, 3))[1]
C.detach_variable(3)
C.noop_context_fn()[0].__class__.__name__
with torch.autocast("cpu"):
    y = c(lambda x: (log.append(torch.is_autocast_enabled("cpu")), l(x))[1], x, use_reentrant=False)
y.dtype
y.sum().backward()
x.grad.dtype, log[-2:]
with torch.autocast("cpu"):
    y = c(lambda x: (log.append(torch.is_autocast_enabled("cpu")), l(x))[1], x, use_reentrant=True)
y.sum().backward()
log[-2:]
"""

STOPPING = PREPARE + """
def counted(f):
    def g(*a):
        log.append("start"); y = f(*a); log.append("end"); return y
    return g
def run(f, *a, **k):
    log.clear(); x.grad = None; l.zero_grad()
    y = c(counted(f), *(a or (x,)), use_reentrant=False, **k)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return list(log), x.grad, l.weight.grad
run(lambda x: l(x).sin())
run(lambda x: l(x).sin(), early_stop=False)
run(lambda x: l(x).sin().sum())
run(lambda x: x + 1)
run(lambda x: 2 * x)
run(lambda x: l(x).relu().view(3, 4) * x.view(3, 4) - 1)
run(lambda x: F.layer_norm(x, (3,)) + F.dropout(x, 0.5))
run(lambda x: x[torch.tensor([0, 1])].exp())
run(lambda x: torch.cat([x, x * x]).max(0).values)
run(lambda x, k: x.sin() * k, x, 3)
y = c(lambda x: l(x).sin(), x, use_reentrant=False)
y.grad_fn.name(), [n.name() for n, _ in y.grad_fn.next_functions]
log.clear()
def inner(z):
    log.append("inner")
    return l(z).sin().sum()
def outer(x):
    log.append("outer")
    y = c(inner, x * 2, use_reentrant=False) * x
    log.append("after")
    return y.exp().sum()
grads(outer, use_reentrant=False)
log
log.clear()
y = c(outer, x, use_reentrant=False)
g, = torch.autograd.grad(y, x, create_graph=True)
g.sum().backward()
x.grad, len(log) > 4
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * 3 * x * x
run(Cube.apply)
grads(Cube.apply, use_reentrant=False)
def swallow():
    try:
        yield
    except ValueError:
        pass
def bad(x): raise ValueError("bad")
c(bad, x, use_reentrant=False, context_fn=lambda: (contextlib.suppress(ValueError),
    contextlib.nullcontext()))
c(bad, x, use_reentrant=False)
with torch.no_grad():
    c(lambda x: x.exp(), x, use_reentrant=False, context_fn=lambda: (
        log.append("contexts"), contextlib.nullcontext()))
log[-1]
c(lambda x: x, x, use_reentrant=False, debug=True, context_fn=lambda: 3)
with torch.autograd.graph.disable_saved_tensors_hooks("no hooks here"):
    c(lambda x: x.exp(), x, use_reentrant=False)
with torch.autograd.graph.saved_tensors_hooks(lambda t: log.append("pack"), lambda t: 3):
    y = c(lambda x: x.exp(), x.detach().requires_grad_(), use_reentrant=False)
with C.set_checkpoint_early_stop(True):
    run(lambda x: l(x).sin(), early_stop=False)
with C.set_checkpoint_early_stop(False):
    run(lambda x: l(x).sin(), early_stop=True)
w = x.detach().clone().requires_grad_()
y = c(lambda w: (w * 2).sin().mul_(3), w, use_reentrant=False)
y.sum().backward()
w.grad
"""

SEQUENTIAL = PREPARE + """
m = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3), nn.Sigmoid(), nn.Linear(3, 2))
def through(n, **k):
    m.zero_grad(); x.grad = None
    y = seq(m, n, x, **k); y.sum().backward()
    return y, x.grad, [p.grad for p in m.parameters()]
[through(n, use_reentrant=False) for n in (1, 2, 3, 5)]
[through(n, use_reentrant=True) for n in (1, 2, 3, 5)]
through(6, use_reentrant=False)
through(0, use_reentrant=False)
caught(lambda: seq(m, 2, x).shape)
seq([m[0], m[1]], 2, x, use_reentrant=False).shape
seq(list(m), 2, x, use_reentrant=False, preserve_rng_state=False).shape
seq(m, 2, x, use_reentrant=False, other=3)
seq(m, 2, input=x, use_reentrant=False).shape
seq((m[0], m[1]), 1, x, use_reentrant=False).shape
"""

PROGRAMS = {"both": BOTH, "contexts": CONTEXTS, "stopping": STOPPING, "sequential": SEQUENTIAL}
