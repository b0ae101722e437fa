# From the slides "Why PyTorch?" (2018); net, image_data_loader and loss_fn are given.
import rushlight as torch

optimizer = torch.optim.SGD(net.parameters())
for images, labels in image_data_loader:
    outputs = net(images)
    loss = loss_fn(outputs, labels)

    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
