"""Times training steps of ResNet-18 in PyTorch: `resnet_torch.py STEM WIDTH BATCH STEPS [--device cuda] [--dtype bf16] [--compile]`.

The same work as `crates/llp-nn/examples/train_step.rs`: forward in training mode, cross-entropy, backward, SGD with
momentum and weight decay; channels_last, and oneDNN's kernels on the CPU. One JSON line with the median step.

    pip install torch torchvision
    python xtask/peers/resnet_torch.py cifar 64 64 8
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

WARM_UP = 2


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
    parser.add_argument("batch", type=int)
    parser.add_argument("steps", type=int)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="f32", choices=["f32", "tf32", "bf16"])
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()

    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.dtype != "f32"
    network = Network(options.stem, options.width).to(options.device, memory_format=torch.channels_last)
    images = torch.randn(options.batch, 3, 32, 32, device=options.device).to(memory_format=torch.channels_last)
    labels = torch.arange(options.batch, device=options.device) % 10
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=0.005)
    forward = torch.compile(network) if options.compile else network

    def step():
        with torch.autocast(options.device, torch.bfloat16, enabled=options.dtype == "bf16"):
            loss = nn.functional.cross_entropy(forward(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    # To look at the clock waits for a GPU, so there it is looked at after every tenth step.
    at_once = 1 if options.device == "cpu" else 10
    times = []
    for _ in range(WARM_UP + -(-options.steps // at_once)):
        start = time.perf_counter()
        for _ in range(at_once):
            step()
        if options.device != "cpu":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - start) / at_once)
    seconds = statistics.median(times[WARM_UP:])
    device = torch.cuda.get_device_name() if options.device != "cpu" else f"{torch.get_num_threads()} threads"
    peer = f"PyTorch {torch.__version__}{' compiled' if options.compile else ''}"
    print(json.dumps({"what": peer, "device": device, "images_per_s": options.batch / seconds}))


if __name__ == "__main__":
    main()
