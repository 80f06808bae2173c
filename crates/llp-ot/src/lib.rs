//! Semi-relaxed entropic optimal transport for bags with label proportions: solvers, certificates, gradients, exact assignments
