//! Grids of training runs on disk: configuration, run directories, executors, results and figures
