"""Autocast and GradScaler, as programs."""

from __future__ import annotations

AUTOCAST = """
a = data(3, 3)
def dtypes(f, **k):
    with torch.autocast("cpu", **k):
        return f()
dtypes(lambda: a @ a)
dtypes(lambda: a @ a, dtype=torch.float16).dtype
dtypes(lambda: a @ a, enabled=False).dtype
dtypes(lambda: a @ a, dtype=torch.float32).dtype
dtypes(lambda: a @ a, cache_enabled=False).dtype
torch.autocast("xyz")
torch.autocast(3)
torch.autocast("cpu", torch.float16).fast_dtype if False else None
c = torch.autocast("cpu", dtype=torch.float16)
c
c.fast_dtype, c._enabled, c._cache_enabled, c.device
isinstance(torch.amp.autocast("cpu"), torch.autocast)
torch.amp.autocast_mode.autocast is torch.autocast
torch.amp.autocast is torch.autocast
torch.cpu.amp.autocast().fast_dtype
torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled()
torch.get_autocast_dtype("cpu"), torch.get_autocast_cpu_dtype()
torch.is_autocast_cpu_enabled()
torch.is_autocast_cache_enabled()
torch.amp.is_autocast_available("cpu"), torch.amp.is_autocast_available("cuda")
torch.amp.is_autocast_available("xyz")
torch.get_autocast_dtype("xyz")
def state():
    return (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"),
            torch.is_autocast_cache_enabled())
def nested():
    found = [state()]
    with torch.autocast("cpu"):
        found.append(state())
        with torch.autocast("cpu", enabled=False):
            found.append((state(), (a @ a).dtype))
            with torch.autocast("cpu", dtype=torch.float16, cache_enabled=False):
                found.append((state(), (a @ a).dtype))
        found.append((state(), (a @ a).dtype))
    found.append(state())
    return found
nested()
with c:
    x = (a @ a).dtype
x, state()
@torch.autocast("cpu")
def decorated(x):
    "Doc."
    return x @ x
decorated(a).dtype, decorated.__name__, decorated.__doc__
@torch.autocast("cpu", enabled=False)
def undone(x):
    return x @ x
dtypes(lambda: undone(a)).dtype
class M(nn.Module):
    @torch.autocast("cpu")
    def forward(self, x):
        return x @ x
M()(a).dtype
try:
    with torch.autocast("cpu"):
        raise KeyError("x")
except KeyError:
    pass
state()
def generator():
    with torch.autocast("cpu"):
        yield (a @ a).dtype
list(generator())
torch.set_autocast_enabled("cpu", True)
(a @ a).dtype
torch.set_autocast_dtype("cpu", torch.float16)
(a @ a).dtype
torch.set_autocast_enabled("cpu", False)
torch.set_autocast_dtype("cpu", torch.bfloat16)
torch.set_autocast_cache_enabled(False), torch.is_autocast_cache_enabled()
torch.set_autocast_cache_enabled(True)
torch.set_autocast_cpu_enabled(False)
torch.set_autocast_cpu_dtype(torch.bfloat16)
torch.autocast_increment_nesting(), torch.autocast_decrement_nesting()
torch.clear_autocast_cache()
"""

GRADIENTS = """
m = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
x = data(5, 3)
with torch.autocast("cpu"):
    y = m(x)
    l = nn.functional.mse_loss(y, torch.ones(5, 2))
y.dtype, l.dtype
l.backward()
[p.grad.dtype for p in m.parameters()]
w = data(3, 3, grad=True)
with torch.autocast("cpu"):
    z = (w @ w).sum() + (w @ w).sum()
z.dtype
z.backward()
w.grad.dtype
with torch.autocast("cpu"):
    with torch.no_grad():
        n = w @ w
    k = w @ w
n.requires_grad, k.requires_grad
with torch.autocast("cpu"):
    v = torch.ones(3, 3, dtype=torch.bfloat16) + torch.ones(3, 3)
    u = torch.cat([torch.ones(2, dtype=torch.bfloat16), torch.ones(2)])
    t = torch.stack([torch.ones(2, dtype=torch.bfloat16), torch.ones(2)])
    s = torch.addcmul(torch.ones(2), torch.ones(2, dtype=torch.bfloat16), torch.ones(2))
    r = torch.where(torch.ones(2) > 0, torch.ones(2, dtype=torch.bfloat16), torch.ones(2))
    q = torch.ones(3, 3).double() @ torch.ones(3, 3).double()
    i = torch.ones(3, 3, dtype=torch.int64) @ torch.ones(3, 3, dtype=torch.int64)
    j = torch.mm(w, w, out=torch.empty(3, 3)) if False else None
v.dtype, u.dtype, t.dtype, s.dtype, r.dtype, q.dtype, i.dtype
with torch.autocast("cpu"):
    o = torch.empty(3, 3)
    d = torch.mm(data(3, 3), data(3, 3), out=o)
d.dtype
with torch.autocast("cpu"):
    e = data(3, 3).addmm_(data(3, 3), data(3, 3))
e.dtype
with torch.autocast("cpu"):
    f = nn.functional.scaled_dot_product_attention(data(1, 2, 3), data(1, 2, 3), data(1, 2,
        3)).dtype
f
with torch.autocast("cpu"):
    g = [nn.LayerNorm(3)(x).dtype, nn.BatchNorm1d(3)(x).dtype, nn.functional.softmax(x, 1).dtype,
        nn.functional.gelu(x @ data(3, 3)).dtype, torch.exp(x).dtype,
        nn.functional.layer_norm((x @ data(3, 3)), (3,)).dtype,
        nn.functional.log_softmax(x @ data(3, 3), 1).dtype, torch.einsum("ij,jk->ik", x, data(3,
        3)).dtype, (x @ data(3, 3)).sum().dtype, (x @ data(3, 3)).softmax(1).dtype]
g
with torch.autocast("cpu"):
    h = [nn.LSTM(3, 2)(x)[0].dtype, nn.GRU(3, 2)(x)[0].dtype, nn.LSTMCell(3, 2)(x)[0].dtype,
        nn.GRUCell(3, 2)(x).dtype, nn.RNN(3, 2)(x)[0].dtype, nn.Embedding(5,
        3)(torch.tensor([1])).dtype, nn.Conv2d(1, 2, 2)(data(1, 1, 4, 4)).dtype,
        nn.ConvTranspose2d(1, 2, 2)(data(1, 1, 4, 4)).dtype, nn.MultiheadAttention(4, 2)(data(2, 1,
        4), data(2, 1, 4), data(2, 1, 4))[0].dtype, nn.TransformerEncoderLayer(4, 2, 8)(data(2, 1,
        4)).dtype, nn.Bilinear(3, 3, 2)(x, x).dtype]
h
"""

CUSTOM = """
A = torch.amp
class Mul(torch.autograd.Function):
    @staticmethod
    @A.custom_fwd(device_type="cpu")
    def forward(ctx, a, b):
        log.append(("f", a.dtype, torch.is_autocast_enabled("cpu")))
        ctx.save_for_backward(a, b)
        return a @ b
    @staticmethod
    @A.custom_bwd(device_type="cpu")
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        log.append(("b", g.dtype, torch.is_autocast_enabled("cpu"), (a @ b).dtype))
        return g @ b.t(), a.t() @ g
a, b = data(3, 3, grad=True), data(3, 3, seed=1, grad=True)
with torch.autocast("cpu"):
    out = Mul.apply(a, b)
out.dtype
out.sum().backward()
a.grad.dtype, log
log.clear()
Mul.apply(a, b).sum().backward()
log
class Cast(torch.autograd.Function):
    @staticmethod
    @A.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx, a, b, *, k=None):
        log.append((a.dtype, b if not hasattr(b, "dtype") else b.dtype,
            torch.is_autocast_enabled("cpu")))
        return a * 2
    @staticmethod
    @A.custom_bwd(device_type="cpu")
    def backward(ctx, g):
        log.append((g.dtype, torch.is_autocast_enabled("cpu")))
        return g * 2, None
log.clear()
h = data(3, 3).bfloat16().requires_grad_()
with torch.autocast("cpu"):
    r = Cast.apply(h, [h])
    Cast.apply(h.double(), torch.ones(2, dtype=torch.int64))
    Cast.apply(h, {"a": h})
r.dtype
r.sum().backward()
h.grad.dtype
Cast.apply(h, 3).dtype
log
A.custom_fwd(lambda ctx: 1)
A.custom_fwd(device_type=3)
A.custom_bwd(device_type=3)
A.custom_fwd(lambda ctx: 1, device_type="cpu").__name__
A.custom_fwd(device_type="cpu", cast_inputs=torch.float16).__class__.__name__
"""

SCALER = """
G = torch.amp.GradScaler
s = G("cpu", init_scale=8.0, growth_interval=2)
s.get_scale(), s.get_growth_factor(), s.get_backoff_factor()
s.get_growth_interval(), s.is_enabled(), s._get_growth_tracker()
s.state_dict()
p = nn.Parameter(data(3)); q = nn.Parameter(data(2, seed=2))
o, u = torch.optim.SGD([p], lr=0.1), torch.optim.Adam([q], lr=0.1)
s.scale(p.sum())
s.scale([p, (q, p)])
s.scale(iter([p]))
s.scale(3)
s.scale([3])
s.scale([])
s.update()
s.step(o)
s.unscale_(o)
s.scale(p.sum() + q.square().sum()).backward()
p.grad
s.unscale_(o)
p.grad
s.unscale_(o)
nn.utils.clip_grad_norm_([p], 0.5)
s.step(o)
p
s.step(o)
s.unscale_(o)
s.step(u)
q
s.update()
s.get_scale(), s._get_growth_tracker(), s.state_dict()
o.zero_grad(), u.zero_grad()
s.scale(p.sum() + q.sum()).backward()
s.step(o), s.step(u), s.update()
s.get_scale(), s._get_growth_tracker()
s.scale(p.sum() * float("inf") + q.sum()).backward()
s.step(o)
s.step(u)
q
p
s.update()
s.get_scale(), s._get_growth_tracker()
s.update(3.0)
s.get_scale()
s.update(torch.tensor(5.0))
s.get_scale()
s.update(torch.tensor([5.0, 6.0]))
s.set_growth_factor(3.0), s.set_backoff_factor(0.25), s.set_growth_interval(1)
o.zero_grad()
s.scale(p.sum()).backward()
s.step(o), s.update(), s.get_scale()
p.grad = torch.full((3,), float("nan"))
s.step(o), s.update(), s.get_scale()
z = G("cpu")
z.step(o), z.unscale_(o)
z.unscale_(o)
z.update()
z.get_scale()
t = G("cpu")
t.load_state_dict(s.state_dict())
t.state_dict()
t.load_state_dict({})
t.load_state_dict({"scale": 1.0})
d = G("cpu", enabled=False)
d.state_dict(), d.get_scale(), d.scale(p), d.is_enabled(), d._get_growth_tracker()
d.load_state_dict({"a": 1})
d.unscale_(o), d.update()
o.zero_grad(); p.sum().backward()
d.step(o)
p
d.step(o, closure=lambda: 3.0)
s.step(o, closure=lambda: 3.0)
s.step(o, lambda: 3.0)
t.load_state_dict(G("cpu", enabled=False).state_dict())
G("cpu", growth_factor=1.0)
G("cpu", backoff_factor=1.0)
G("cpu", growth_factor=0.5, enabled=False).is_enabled()
G("xyz")
G("cpu", init_scale="x")
G().is_enabled()
pickle.loads(pickle.dumps(s)).state_dict()
copy.deepcopy(s).state_dict()
s.scale(p.sum()).backward()
pickle.loads(pickle.dumps(s)).get_scale()
h = nn.Parameter(data(3).half())
e = torch.optim.SGD([h], lr=0.1)
h.grad = torch.ones(3).half()
s.unscale_(e)
n = nn.Parameter(data(3)); f = torch.optim.SGD([n], lr=0.1)
n.grad = None
s.step(f)
s.step(torch.optim.LBFGS([nn.Parameter(data(2))]))
torch.cpu.amp.GradScaler().get_scale()
v = G("cpu", init_scale=4.0)
k = torch.optim.SGD([p], lr=0.1); k.zero_grad()
v.scale(p.sum()).backward()
class Own(torch.optim.SGD):
    def step(self, closure=None):
        log.append("own")
        return super().step(closure) or 5
w = Own([p], lr=0.1)
v.step(w), log
v.update()
"""

OPS = """
def kind(f, given, dtype):
    a = (data(3, 3).abs() + 0.1).to(given)
    try:
        with torch.autocast("cpu", dtype=dtype):
            r = f(a)
        r = r[0] if isinstance(r, tuple) else r
        return str(r.dtype)
    except Exception as e:
        return "error"
fs = {n: getattr(torch, n)
    for n in "abs exp log sqrt rsqrt sin tanh sigmoid sum mean std var prod norm trace".split()}
for_all = [(g, d) for g in (torch.float32, torch.bfloat16, torch.float16) for d in (torch.bfloat16,
    torch.float16)]
[[(n, kind(f, g, d)) for n, f in fs.items()] for g, d in for_all]
gs = {"mm": lambda a: torch.mm(a, a), "chain": lambda a: torch.chain_matmul(a, a),
    "addmm": lambda a: torch.addmm(a, a, a), "addmv": lambda a: torch.addmv(a[0], a, a[0]),
    "addr": lambda a: torch.addr(a, a[0], a[0]), "baddbmm": lambda a: torch.baddbmm(a[None],
    a[None], a[None]), "addbmm": lambda a: torch.addbmm(a, a[None], a[None]),
    "kron": lambda a: torch.kron(a, a), "einsum": lambda a: torch.einsum("ij,kj->ik", a, a),
    "cross": lambda a: torch.cross(a, a, 1), "matrix_power": lambda a: torch.matrix_power(a, 2),
    "det": lambda a: torch.det(a), "slogdet": lambda a: torch.slogdet(a)[1],
    "pinv": lambda a: torch.pinverse(a), "svd": lambda a: torch.linalg.svdvals(a),
    "norm": lambda a: torch.linalg.norm(a), "matrix_norm": lambda a: torch.linalg.matrix_norm(a,
    2), "vector_norm": lambda a: torch.linalg.vector_norm(a),
    "solve": lambda a: torch.linalg.solve(a, a), "eigvalsh": lambda a: torch.linalg.eigvalsh(a),
    "qr": lambda a: torch.linalg.qr(a)[0], "cov": lambda a: torch.cov(a),
    "corrcoef": lambda a: torch.corrcoef(a), "renorm": lambda a: torch.renorm(a, 2, 0, 1.0),
    "logsumexp": lambda a: torch.logsumexp(a, 0), "pdist": lambda a: torch.nn.functional.pdist(a),
    "pairwise": lambda a: torch.nn.functional.pairwise_distance(a, a),
    "cosine": lambda a: torch.nn.functional.cosine_similarity(a, a),
    "cdist": lambda a: torch.cdist(a, a), "multi_dot": lambda a: torch.linalg.multi_dot([a, a]),
    "householder": lambda a: torch.linalg.householder_product(a, a[0]),
    "inv": lambda a: torch.linalg.inv(a),
    "cholesky": lambda a: torch.linalg.cholesky(a @ a.t() + 3 * torch.eye(3)),
    "matrix_exp": lambda a: torch.matrix_exp(a), "vecdot": lambda a: torch.linalg.vecdot(a, a),
    "mv": lambda a: torch.mv(a, a[0]), "vdot": lambda a: torch.vdot(a[0], a[0])}
[[(n, kind(f, g, d)) for n, f in gs.items()] for g, d in for_all]
hs = {"avg_pool1d": lambda a: F.avg_pool1d(a, 2), "avg_pool2d": lambda a: F.avg_pool2d(a[None], 2),
    "avg_pool3d": lambda a: F.avg_pool3d(a[None, None], 1), "max_pool1d": lambda a: F.max_pool1d(a,
    2), "max_pool3d": lambda a: F.max_pool3d(a[None, None], 1),
    "adaptive_avg2": lambda a: F.adaptive_avg_pool2d(a[None], 1),
    "adaptive_avg3": lambda a: F.adaptive_avg_pool3d(a[None, None], 1),
    "adaptive_max2": lambda a: F.adaptive_max_pool2d(a[None], 1),
    "adaptive_max3": lambda a: F.adaptive_max_pool3d(a[None, None], 1),
    "lp": lambda a: F.lp_pool2d(a[None], 2, 2), "reflection": lambda a: F.pad(a[None], (1, 1),
    "reflect"), "replicate": lambda a: F.pad(a[None], (1, 1), "replicate"),
    "linear": lambda a: F.linear(a, a), "conv1d": lambda a: F.conv1d(a[None], a[None]),
    "conv2d": lambda a: F.conv2d(a[None, None], a[None, None]),
    "conv3d": lambda a: F.conv3d(a[None, None, None], a[None, None, None]),
    "ct1": lambda a: F.conv_transpose1d(a[None], a[None]),
    "interp": lambda a: F.interpolate(a[None], scale_factor=2, mode="linear"),
    "bicubic": lambda a: F.interpolate(a[None, None], scale_factor=2, mode="bicubic"),
    "group_norm": lambda a: F.group_norm(a, 3), "instance": lambda a: F.instance_norm(a[None]),
    "rms": lambda a: F.rms_norm(a, (3,)), "normalize": lambda a: F.normalize(a),
    "lrn": lambda a: F.local_response_norm(a[None], 2), "glu": lambda a: F.glu(a[:, :2]),
    "gumbel": lambda a: F.gumbel_softmax(a), "elu": lambda a: F.elu(a),
    "softplus": lambda a: F.softplus(a), "prelu": lambda a: F.prelu(a, a[0, :1]),
    "embed": lambda a: F.embedding(torch.tensor([0]), a),
    "bag": lambda a: F.embedding_bag(torch.tensor([[0, 1]]), a),
    "unfold": lambda a: F.unfold(a[None, None], 2), "bilinear": lambda a: F.bilinear(a, a,
    a[None]), "grid": lambda a: F.grid_sample(a[None, None], a[None, :, :2, None].expand(1, 3, 2,
    2), align_corners=False), "fold": lambda a: F.pixel_shuffle(a[None, None].expand(1, 4, 3, 3),
    2)}
[[(n, kind(f, g, d)) for n, f in hs.items()] for g, d in for_all]
ls = {"mse": lambda a: F.mse_loss(a, a), "l1": lambda a: F.l1_loss(a, a),
    "smooth": lambda a: F.smooth_l1_loss(a, a), "huber": lambda a: F.huber_loss(a, a),
    "nll": lambda a: F.nll_loss(a, torch.tensor([0, 1, 2])), "ce": lambda a: F.cross_entropy(a,
    torch.tensor([0, 1, 2])), "ce_soft": lambda a: F.cross_entropy(a, a),
    "bce": lambda a: F.binary_cross_entropy(a.sigmoid(), a.sigmoid()),
    "bcel": lambda a: F.binary_cross_entropy_with_logits(a, a), "kl": lambda a: F.kl_div(a, a),
    "poisson": lambda a: F.poisson_nll_loss(a, a), "gauss": lambda a: F.gaussian_nll_loss(a, a, a),
    "cosemb": lambda a: F.cosine_embedding_loss(a, a, torch.ones(3)),
    "hinge": lambda a: F.hinge_embedding_loss(a, a), "margin": lambda a: F.margin_ranking_loss(a,
    a, a), "triplet": lambda a: F.triplet_margin_loss(a, a, a),
    "tripletd": lambda a: F.triplet_margin_with_distance_loss(a, a, a),
    "soft": lambda a: F.soft_margin_loss(a, a), "mmargin": lambda a: F.multi_margin_loss(a,
    torch.tensor([0, 1, 2])), "mlm": lambda a: F.multilabel_margin_loss(a, torch.zeros(3, 3,
    dtype=torch.int64)), "mlsm": lambda a: F.multilabel_soft_margin_loss(a, a),
    "ctc": lambda a: F.ctc_loss(a[:, None].log_softmax(2), torch.tensor([[1]]), (3,), (1,))}
[[(n, kind(f, g, d)) for n, f in ls.items()] for g, d in for_all]
ws = {"cat": lambda a: torch.cat([a, torch.ones(1, 3)]), "stack": lambda a: torch.stack([a,
    torch.ones(3, 3)]), "hstack": lambda a: torch.hstack([a, torch.ones(3, 1)]),
    "vstack": lambda a: torch.vstack([a, torch.ones(3, 3)]),
    "index_copy": lambda a: torch.index_copy(a, 0, torch.tensor([0]), torch.ones(1, 3)),
    "scatter": lambda a: torch.scatter_add(a, 0, torch.zeros(1, 3, dtype=torch.int64),
    torch.ones(1, 3)), "addcdiv": lambda a: torch.addcdiv(a, a, torch.ones(3)),
    "addcmul": lambda a: torch.addcmul(a, a, torch.ones(3)), "lerp": lambda a: torch.lerp(a,
    torch.ones(3, 3), 0.5), "atan2": lambda a: torch.atan2(a, torch.ones(3)),
    "where": lambda a: torch.where(a > 0, a, torch.ones(3)), "polar": lambda a: torch.polar(a, a),
    "complex": lambda a: torch.complex(a, a), "fft": lambda a: torch.fft.fft(a),
    "rfft": lambda a: torch.fft.rfft(a), "stft": lambda a: torch.stft(a.reshape(-1), 4,
    return_complex=True), "quantile": lambda a: torch.quantile(a, 0.5),
    "median": lambda a: torch.median(a), "sort": lambda a: torch.sort(a)[0],
    "topk": lambda a: torch.topk(a, 2)[0], "cumsum": lambda a: torch.cumsum(a, 0),
    "cumprod": lambda a: torch.cumprod(a, 0), "prodim": lambda a: torch.prod(a, 0),
    "histc": lambda a: torch.histc(a), "bincount": lambda a: torch.bincount(torch.tensor([1]), a[0,
    :1]), "pow": lambda a: a ** 2.5, "add": lambda a: a + torch.ones(3),
    "iadd": lambda a: a.add_(torch.ones(3)), "vander": lambda a: torch.vander(a[0]),
    "softmax": lambda a: a.softmax(0), "trapz": lambda a: torch.trapz(a)}
[[(n, kind(f, g, d)) for n, f in ws.items()] for g, d in for_all]
"""

PROGRAMS = {"autocast": AUTOCAST, "gradients": GRADIENTS, "custom": CUSTOM, "scaler": SCALER}
