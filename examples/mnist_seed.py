"""MNIST with the net and the loop of "A Gentle Intro to PyTorch" (2017), on Rushlight.

    python examples/mnist_seed.py --data DIR_WITH_THE_FOUR_IDX_FILES [--epochs N] [--seed N]

The net and the loop stand as they were written; the imports, the data and the test at the end are
added. Trains on all 60,000 images in batches of 4 and should reach 96 % of the 10,000 test images.
"""

import argparse
import sys
import time
import warnings

import rushlight as torch
import rushlight.nn as nn
import rushlight.nn.functional as F
import rushlight.optim as optim
from rushlight.autograd import Variable
from rushlight.utils.data import DataLoader
from rushlight.vision import datasets, transforms


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 1, 5)
        self.conv2 = nn.Conv2d(1, 1, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(1 * 10 * 10, 100)
        self.fc2 = nn.Linear(100, 10)

    def forward(self, x):
        x = F.relu((self.conv1(x)))
        x = F.relu(F.max_pool2d((self.conv2(x)), 2))
        x = x.view(-1, 1 * 10 * 10)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return F.log_softmax(x)


def train(net, trainloader, testloader, epochs):
    """The loop, with a line of result after each epoch; returns the last test accuracy."""
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.001, momentum=0.5)

    for epoch in range(epochs):  # loop over the dataset multiple times
        # Run per epoch
        start = time.perf_counter()
        running_loss = 0.0
        for i, data in enumerate(trainloader, 0):
            # get the inputs
            inputs, labels = data

            # wrap them in Variable
            inputs, labels = Variable(inputs), Variable(labels)

            # zero the parameter gradients
            optimizer.zero_grad()

            # Forward Pass
            outputs = net(inputs)
            # Compute loss function
            loss = criterion(outputs, labels)
            # Backward pass and gradient update
            loss.backward()
            optimizer.step()
            running_loss += loss.item()

        accuracy = test(net, testloader)
        print(
            f"epoch {epoch + 1}: training loss {running_loss / (i + 1):.4f}, "
            f"test accuracy {accuracy:.2%}, {time.perf_counter() - start:.1f} s",
            flush=True,
        )
    return accuracy


def test(net, testloader):
    """Share of the test images that the net gets right."""
    right = count = 0
    with torch.no_grad():
        for images, labels in testloader:
            right += (net(images).argmax(1) == labels).sum().item()
            count += len(labels)
    return right / count


def main():
    """Read the data, train, and fail where 96 % are not reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with MNIST's four idx files")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    # `log_softmax` without `dim` is how it was written then.
    warnings.filterwarnings("ignore", message="Implicit dimension choice")

    torch.manual_seed(options.seed)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    trainset = datasets.MNIST(options.data, train=True, transform=transform)
    testset = datasets.MNIST(options.data, train=False, transform=transform)
    trainloader = DataLoader(trainset, batch_size=4, shuffle=True)
    testloader = DataLoader(testset, batch_size=500)
    accuracy = train(Net(), trainloader, testloader, options.epochs)
    return 0 if accuracy >= 0.96 else 1


if __name__ == "__main__":
    sys.exit(main())
