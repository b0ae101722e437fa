# From "A Gentle Intro to PyTorch" (2017).
import rushlight as torch
from rushlight.autograd import Variable

x = Variable(torch.ones(2, 2), requires_grad=True)
y = x + 2
z = y * y * 3
out = z.mean()

out.backward()
print(x.grad)
