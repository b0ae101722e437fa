"""Autograd by hand: what grad, backward, functional derivatives and hooks take and refuse."""

from __future__ import annotations

CASES = {
    "grad, backward and derivatives of functions": """
        A = torch.autograd
        x = data(3, grad=True)
        y = data(3, seed=1, grad=True)
        z = (x * y).sum()
        w = (x ** 2).sum()
        A.grad(z, x, retain_graph=True)
        A.grad([z, w], [x, y], retain_graph=True)
        A.grad([z, w], [x, y], grad_outputs=[torch.tensor(2.), None], retain_graph=True)
        A.grad(z, [x, data(3, grad=True)], retain_graph=True)
        A.grad(z, [x, data(3, grad=True)], allow_unused=True, retain_graph=True)
        A.grad(z, [x, data(3, grad=True)], materialize_grads=True, retain_graph=True)
        A.grad(z, data(3), retain_graph=True)
        A.grad(x * y, x)
        A.grad(x * y, x, torch.ones(2))
        A.grad(x * y, x, torch.ones(3).double())
        A.grad(x * y, x, [torch.ones(3)])
        A.grad(x * y, x, torch.ones(3), is_grads_batched=False)
        A.grad(x * y, x, torch.eye(3), is_grads_batched=True)
        A.grad(x * y, [], torch.ones(3))
        A.grad([], x)
        A.grad(x, x, torch.ones(3))
        A.grad(x.detach(), x, torch.ones(3))
        A.grad(3, x)
        A.grad(z, 3)
        A.grad(z, x, only_inputs=False, retain_graph=True)
        A.grad(z, x, "a", retain_graph=True)
        A.grad(z, x)
        A.grad(z, x)
        A.backward(w, retain_graph=True)
        x.grad
        A.backward([w, (y * 2).sum()], [torch.tensor(1.), torch.tensor(3.)], retain_graph=True)
        x.grad, y.grad
        A.backward(w, inputs=[x])
        x.grad
        A.backward(x * 2)
        A.backward(x * 2, torch.ones(3), inputs=[])
        A.backward(x * 2, torch.ones(3), inputs=x)
        x.grad
        A.backward(x * 2, torch.ones(3), inputs=[data(3)])
        A.backward(x * 2, torch.ones(3), grad_variables=torch.ones(3))
        A.backward(torch.tensor(1.))
        (x * 2).backward(torch.ones(3), gradient=torch.ones(3))
        (x * 2).backward(torch.ones(2))
        (x * 2).sum().backward(torch.tensor([1.]))
        (x * 2).backward(torch.ones(1))
        (x * 2).sum().backward(torch.tensor(1, dtype=torch.int64))
        (x * 2).sum().backward(torch.tensor(1j))
        x.to(torch.complex64).sum().backward()
        x.to(torch.complex64).backward(torch.ones(3))
        x.grad = 3
        x.grad = torch.ones(2)
        x.grad = torch.ones(3).double()
        x.grad = data(3, grad=True)
        x.grad.requires_grad
        x.grad = None
        x.grad
        del x.grad
        x.requires_grad = False
        (x * 2).requires_grad
        i = torch.tensor([1, 2])
        i.requires_grad_()
        torch.tensor([1, 2], requires_grad=True)
        (x.detach().requires_grad_() * 2).requires_grad_(False)
        fn = A.functional
        f = lambda x: (x ** 3).sum()
        g = lambda x, y: (x * y, x.sum())
        a, b = data(3), data(3, seed=2)
        fn.jacobian(lambda x: x ** 2, a)
        fn.jacobian(g, (a, b))
        fn.jacobian(f, a)
        fn.jacobian(lambda x: x ** 2, a, create_graph=True)
        fn.jacobian(lambda x: x ** 2, a, vectorize=True)
        fn.jacobian(g, (a, b), vectorize=True)
        fn.jacobian(lambda x: x ** 2, a, strategy="forward-mode", vectorize=True)
        fn.jacobian(lambda x: x ** 2, a, strategy="forward-mode")
        fn.jacobian(lambda x: x ** 2, a, strategy="x")
        fn.jacobian(lambda x: torch.ones(2), a)
        fn.jacobian(lambda x: torch.ones(2), a, strict=True)
        fn.jacobian(lambda x: x.detach(), a, strict=True)
        fn.jacobian(lambda x: 3, a)
        fn.jacobian(lambda x: x, 3)
        fn.jacobian(lambda x: x * 2, a, create_graph=True, strict=True)
        fn.hessian(f, a)
        fn.hessian(lambda x, y: (x * y * y).sum(), (a, b))
        fn.hessian(f, a, create_graph=True)
        fn.hessian(f, a, vectorize=True)
        fn.hessian(f, a, outer_jacobian_strategy="x")
        fn.hessian(lambda x: x, a)
        fn.hessian(lambda x: x.sum(), a)
        fn.hessian(lambda x: x.sum(), a, strict=True)
        fn.vjp(lambda x: x ** 2, a, b)
        fn.vjp(f, a)
        fn.vjp(g, (a, b), (b, torch.tensor(2.)))
        fn.vjp(lambda x: x ** 2, a)
        fn.vjp(lambda x: x ** 2, a, torch.ones(2))
        fn.vjp(lambda x: x ** 2, a, b, create_graph=True)
        fn.vjp(lambda x: torch.ones(3), a, b)
        fn.vjp(lambda x: torch.ones(3), a, b, strict=True)
        fn.jvp(lambda x: x ** 2, a, b)
        fn.jvp(f, torch.tensor(2.))
        fn.jvp(lambda x: x ** 2, a)
        fn.jvp(g, (a, b), (b, a))
        fn.jvp(lambda x: x ** 2, a, torch.ones(2))
        fn.jvp(lambda x: x ** 2, a, b, create_graph=True)
        fn.jvp(lambda x: torch.ones(3), a, b, strict=True)
        fn.vhp(f, a, b)
        fn.vhp(f, a)
        fn.vhp(lambda x, y: (x * y).sum(), (a, b), (b, a))
        fn.vhp(lambda x: x, a, b)
        fn.vhp(f, a, b, strict=True)
        fn.hvp(f, a, b)
        fn.hvp(f, a)
        fn.hvp(lambda x, y: (x * y * y).sum(), (a, b), (b, a))
        fn.hvp(lambda x: x.sum(), a, b)
        fn.hvp(lambda x: x.sum(), a, b, strict=True)
        A.set_detect_anomaly(True).__class__.__name__
        A.set_detect_anomaly(False) is None
        with A.detect_anomaly(check_nan=True):
            (x.detach().requires_grad_() * 0 / 0).sum().backward()
        A.gradcheck(f, a.double().requires_grad_())
        A.gradcheck(f, a.double())
        A.gradcheck(lambda x: x.detach(), a.double().requires_grad_())
        A.gradcheck(lambda x: torch.tensor(3), a.double().requires_grad_())
        A.gradgradcheck(f, a.double().requires_grad_())
        A.gradcheck(f, a.double().requires_grad_(), raise_exception=False)
        class D(A.Function):
            @staticmethod
            def forward(ctx, x): ctx.n = 2; return x * 2
            @staticmethod
            def backward(ctx, g): return g * 3
        A.gradcheck(D.apply, a.double().requires_grad_())
        A.gradcheck(D.apply, a.double().requires_grad_(), raise_exception=False)
        A.gradcheck(f, a.double().requires_grad_(), fast_mode=True)
        D()(a)
        D.apply(a.requires_grad_()).grad_fn.name()
        D.forward(None, a)
        class E(A.Function):
            @staticmethod
            def forward(x, k=2): return x * k
            @staticmethod
            def setup_context(ctx, inputs, output): ctx.k = inputs[1]
            @staticmethod
            def backward(ctx, g): return g * ctx.k, None
        E.apply(a, 3).sum().backward()
        a.grad
        E.apply(a)
        E.apply(x=a)
        def ob(ctx, g): return g
    """,
    "hooks, and writes to what they hang on": """
        x = data(3, grad=True)
        y = x * 2
        h = y.register_hook(lambda g: log.append(("first", g.clone())))
        y.mul_(3)
        h2 = y.register_hook(lambda g: log.append(("second", g.clone())))
        y.sum().backward()
        log
        x.grad
        log.clear()
        x.grad = None
        y = x * 2
        y.retain_grad()
        y.add_(1)
        y.sum().backward()
        y.grad, y.retains_grad
        log.clear()
        x.grad = None
        y = x * 2
        y.exp_()
        y.sum().backward()
        x.grad
        x.grad = None
        y = x * 2
        v = y[:2]
        v.mul_(5)
        y.sum().backward()
        log
        x.grad
        log.clear()
        y = x * 2
        y.retain_grad()
        v = y[:2]
        v.retain_grad()
        v.mul_(5)
        y.sum().backward()
        y.grad, v.grad
        y = x * 2
        y.retain_grad()
        h = y.register_hook(lambda g: g * 2)
        y.sum().backward()
        y.grad
        y = x * 2
        h = y.register_hook(lambda g: g * 2)
        y.retain_grad()
        h3 = y.register_hook(lambda g: g * 3)
        y.sum().backward()
        y.grad
        x = data(3, grad=True)
        log.clear()
        (x * 2).sum().backward()
        log
        (x * 2).sum().backward()
        x = data(3, grad=True)
        (x * 2).sum().backward()
        x = data(3, grad=True)
        (x * 2).sum().backward()
        x.grad
        x.detach().register_hook(lambda g: g)
        x.detach().retain_grad()
        (x * 2).register_post_accumulate_grad_hook(lambda p: p)
        m = nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True))
        log.clear()
        m = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
        m[0].register_full_backward_hook(lambda m, gi, go: log.append(("full", gi, go)))
        m[0].register_full_backward_pre_hook(lambda m, go: (go[0] * 2,))
        log.clear()
        m(data(2, 3, grad=True)).sum().backward()
        log
        o = m(data(2, 3, grad=True))
        o.add_(1)
        o.sum().backward()
        m2 = nn.Linear(3, 3)
        m2.register_full_backward_hook(lambda m, gi, go: None)
        o = m2(data(2, 3))
        o.sum().backward()
        m2.register_forward_hook(lambda m, a, o: o.mul_(2))
        m2(data(2, 3)).sum().backward()
        with torch.no_grad():
            o = m2(data(2, 3)); o.add_(1)
        m3 = nn.Linear(3, 3)
        m3.register_full_backward_hook(lambda m, gi, go: None)
        xx = data(2, 3)
        xx.add_(1)
        m3(xx).view(-1)[0].backward()
        a = data(2, 3, grad=True).clone()
        b = m3(a)
        a.add_(1)
    """,
}
