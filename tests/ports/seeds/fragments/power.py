# From the slides "Why PyTorch?" (2018).
import rushlight as torch
from rushlight import nn

class Power(nn.Module):
    def __init__(self, exponent):
        super().__init__()
        self.exponent = exponent

    def forward(self, input):
        return input**self.exponent

cube = Power(3)

inp = torch.randn(100)
output = cube(inp)
