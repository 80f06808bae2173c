//! Bag-level losses for learning from label proportions on candle tensors: KL, ROT, AvgKL, L1, L2
