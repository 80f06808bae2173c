//! ResNet-18 for candle with torchvision parameter names, CIFAR and ImageNet stems, any width
