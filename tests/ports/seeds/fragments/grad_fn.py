# From the slides "Pytorch" (2018), with requires_grad=True, which `t` needs to have a history.
import rushlight as torch

# define t
t = torch.ones([2, 2], requires_grad=True)
print(t.grad_fn)
# y is constructed from t
y = t + 2
print(y.grad_fn)
# z is constructed from ty
z = y * 3
print(z.grad_fn)
# Begin to step through the graph
print(z.grad_fn.next_functions)
