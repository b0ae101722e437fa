"""What torch refuses, in its words, and what it does where one would not expect it."""

# ruff: noqa: E501 - the programs are text

from __future__ import annotations

PROGRAMS = {
    "capturable": """
        p = nn.Parameter(torch.ones(2))
        o = torch.optim.Adam([p], capturable=True)
        o.step()
        p.grad = torch.ones(2)
        o.step()
        torch.optim.NAdam([p], capturable=True).step()
        torch.optim.ASGD([p], capturable=True, foreach=True).step()
        torch.optim.RMSprop([p], differentiable=True, foreach=True).step()
    """,
    "fused complex numbers": """
        p = nn.Parameter(torch.ones(2, dtype=torch.complex64))
        p.grad = p.detach().clone()
        torch.optim.SGD([p], fused=True).step()
        torch.optim.AdamW([p], fused=True, foreach=False).step()
    """,
    "LBFGS, what is kept": """
        p = nn.Parameter(torch.ones(3) * 2)
        def closure():
            o.zero_grad()
            loss = (p ** 2).sum()
            loss.backward()
            return loss
        o = torch.optim.LBFGS([p], tolerance_grad=100.)
        o.step(closure)
        o.state_dict()["state"]
        o = torch.optim.LBFGS([p], max_iter=1)
        o.step(closure)
        list(o.state_dict()["state"][0].items())
        o = torch.optim.LBFGS([p], lr=torch.tensor(0.5), max_iter=3)
        o.step(closure)
        list(o.state_dict()["state"][0])
        o.state_dict()["state"][0]["t"]
    """,
    "reentrant checkpoints": """
        from_module = torch.utils.checkpoint.checkpoint
        x = torch.ones(2, requires_grad=True)
        def square():
            return from_module(lambda x: x * x, x, use_reentrant=True)
        torch.autograd.grad(square().sum(), x)
        square().sum().backward(inputs=[x])
        square().sum().backward()
        x.grad
        y = from_module(lambda x: (x * 2).detach(), x, use_reentrant=True)
        y
        y.sum().backward()
        a, b = from_module(lambda x: (x * x, (x * 2).detach()), x, use_reentrant=True)
        a, b
        (a + b).sum().backward()
        x.grad
        b = from_module(lambda x: (x * x, (x * 2).detach()), x, use_reentrant=True)[1]
        b.sum().backward()
        x.grad
        from_module(lambda x: (x * x, 3), x, use_reentrant=True)
        from_module(lambda x: (x * x, x.long()), x, use_reentrant=True)
    """,
    "a scale that is no float": """
        s = torch.amp.GradScaler("cpu", init_scale=4.0)
        s.scale(torch.ones(1))
        s.update(2)
        s.update(2.0)
        s.get_scale()
    """,
    "contractions to one number under autocast": """
        a, b = data(2, 3), data(2, 3, seed=1)
        torch.tensordot(a, b, 2)
        with torch.autocast("cpu"):
            c = torch.tensordot(a, b, 2), torch.tensordot(a[0], b[0], 1), torch.tensordot(a, b.t(), 1)
        c[0]
        c[1]
        c[2].dtype
    """,
}
