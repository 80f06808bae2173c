//! Bags of instances with label proportions: readers, bagging, augmentation, an embedded data set of real images
