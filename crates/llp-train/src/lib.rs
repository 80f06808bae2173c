//! Train image classifiers from label proportions: the trainer library and the llp command
