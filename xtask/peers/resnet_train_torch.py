"""Trains ResNet-18 in PyTorch with labels, as `llp train --preset paper --bag-size 1 --loss kl` does in `xtask/cuda/check.sh`.

    cargo run --release -p llp-bags --features parquet --example image_subset -- unpack FOLDER RECORDS
    python xtask/peers/resnet_train_torch.py RECORDS --device cuda

RECORDS holds `train.bin` and `test.bin`: for each image its label and 3 x 32 x 32 bytes. The same recipe: SGD with momentum,
weight decay on all parameters, one drop of the learning rate, images shifted (the pixels at the edge repeated) and mirrored,
normalized by the statistics of the training images. bfloat16 by autocast and a compiled network on a GPU, float32 on the CPU.
One JSON line for each epoch; `test_accuracy` is in the last one.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from torch import nn

from resnet_torch import Network

RECORD = 1 + 3 * 32 * 32
EVALUATED_AT_ONCE = 1000


def read(path, device):
    """Images in bytes, `[image, channel, row, column]`, and labels."""
    records = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8).reshape(-1, RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32).to(device), records[:, 0].long().to(device)


def augmented(images, shift):
    """Images, each shifted by up to `shift` pixels in both directions, and every second one mirrored, at random."""
    n, device = len(images), images.device
    places = torch.arange(32, device=device)

    def moved():
        by = torch.randint(-shift, shift + 1, (n, 1), device=device)
        return (places - by).clamp(0, 31)

    rows, columns = moved(), moved()
    columns = torch.where(torch.rand(n, 1, device=device) < 0.5, columns.flip(1), columns)
    instances = torch.arange(n, device=device)[:, None, None, None]
    channels = torch.arange(3, device=device)[None, :, None, None]
    return images[instances, channels, rows[:, None, :, None], columns[:, None, None, :]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("records", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=26)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--lr-drop-at", type=float, default=0.65)
    parser.add_argument("--weight-decay", type=float, default=0.0005)
    parser.add_argument("--shift", type=int, default=4)
    parser.add_argument("--limit", type=int, help="train on the first images only")
    options = parser.parse_args()
    on_gpu = options.device != "cpu"
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    images, labels = (part[: options.limit] for part in read(options.records / "train.bin", options.device))
    test_images, test_labels = read(options.records / "test.bin", options.device)
    pixels = images.float() / 255
    mean, deviation = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3), correction=0)
    del pixels

    def prepared(batch):
        normal = (batch.float() / 255 - mean[:, None, None]) / deviation[:, None, None]
        return normal.to(memory_format=torch.channels_last)

    network = Network("cifar", options.width).to(options.device, memory_format=torch.channels_last)
    forward = torch.compile(network) if on_gpu else network
    optimizer = torch.optim.SGD(network.parameters(), lr=options.lr, momentum=0.9, weight_decay=options.weight_decay)
    for epoch in range(options.epochs):
        dropped = epoch >= round(options.lr_drop_at * options.epochs)
        optimizer.param_groups[0]["lr"] = options.lr * (0.1 if dropped else 1.0)
        network.train()
        start = time.perf_counter()
        loss_sum = torch.zeros((), device=options.device)
        # Whole steps only, so that one compilation serves all; what is left over has its turn in another epoch.
        order = torch.randperm(len(images), device=options.device)
        n_steps = len(images) // options.batch
        for step in range(n_steps):
            chosen = order[step * options.batch : (step + 1) * options.batch]
            with torch.autocast(options.device, torch.bfloat16, enabled=on_gpu):
                outputs = forward(prepared(augmented(images[chosen], options.shift)))
                loss = nn.functional.cross_entropy(outputs, labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
        train_loss = loss_sum.item() / n_steps
        seconds = time.perf_counter() - start
        line = {"epoch": epoch + 1, "train_loss": train_loss, "images_per_s": n_steps * options.batch / seconds}
        if epoch + 1 == options.epochs:
            line["test_accuracy"] = accuracy(network, prepared, test_images, test_labels)
        print(json.dumps(line), flush=True)


@torch.no_grad()
def accuracy(network, prepared, images, labels):
    """The share of images whose class is found, in float32."""
    network.eval()
    found = 0
    for start in range(0, len(images), EVALUATED_AT_ONCE):
        part = slice(start, start + EVALUATED_AT_ONCE)
        found += (network(prepared(images[part])).argmax(1) == labels[part]).sum().item()
    return found / len(images)


if __name__ == "__main__":
    main()
