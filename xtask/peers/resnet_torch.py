"""Times training steps of ResNet-18 in PyTorch: `resnet_torch.py STEM WIDTH BATCH STEPS [options]`.

The same work as `crates/llp-nn/examples/train_step.rs`: SGD with momentum and weight decay. See `training_steps.py`.

    pip install torch
    python xtask/peers/resnet_torch.py cifar 64 64 8 --all
"""

import argparse

import torch
from torch import nn

import training_steps


class Block(nn.Module):
    """torchvision's `BasicBlock`."""

    def __init__(self, n_in, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n_in, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or n_in != width:
            self.downsample = nn.Sequential(nn.Conv2d(n_in, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class Network(nn.Module):
    """torchvision's ResNet-18 by its names, with another width and, for small images, another stem."""

    def __init__(self, stem, width):
        super().__init__()
        if stem == "cifar":
            self.conv1, self.maxpool = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.Identity()
        else:
            self.conv1, self.maxpool = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.MaxPool2d(3, 2, 1)
        self.bn1, self.relu = nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        n_in = width
        for index in range(4):
            n_out, stride = width << index, 1 if index == 0 else 2
            setattr(self, f"layer{index + 1}", nn.Sequential(Block(n_in, n_out, stride), Block(n_out, n_out, 1)))
            n_in = n_out
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(n_in, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("stem", choices=["cifar", "imagenet"])
    parser.add_argument("width", type=int)
    training_steps.add_arguments(parser)
    options = parser.parse_args()
    training_steps.measure(
        options,
        lambda: Network(options.stem, options.width),
        lambda weights: torch.optim.SGD(weights, lr=0.01, momentum=0.9, weight_decay=0.005),
    )


if __name__ == "__main__":
    main()
