"""Times training steps of ResNet-18 in PyTorch: `resnet_torch.py STEM WIDTH BATCH STEPS [options]`.

The same work as `crates/llp-nn/examples/train_step.rs`: SGD with momentum and weight decay. See `training_steps.py`.

    pip install torch torchvision
    python xtask/peers/resnet_torch.py cifar 64 64 8 --all
"""

import argparse

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

import training_steps


class Network(ResNet):
    """torchvision's ResNet-18 with another width and, for small images, another stem."""

    def __init__(self, stem, width):
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=10)
        self.inplanes = width
        if stem == "cifar":
            self.conv1, self.maxpool = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.Identity()
        else:
            self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for index in range(4):
            layer = self._make_layer(BasicBlock, width << index, 2, stride=1 if index == 0 else 2)
            setattr(self, f"layer{index + 1}", layer)
        self.fc = nn.Linear(width << 3, 10)


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
