//! Fast differentiable candle operations for training convolutional networks: convolution, batch norm, pooling, SGD
