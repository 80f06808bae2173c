#!/usr/bin/env bash
# eiPack 0.2-2 (Debian): ei.MD.bayes with its default numbers of iterations (burn-in 1,000, then 1,000 samples) returns
# estimates that are far from the posterior of its own model, with intervals that are narrow around the wrong place, and
# no word of warning. On the census of 1910 that comes with eco (1,040 counties; who can read), the share of black readers is
# .77 and .76 by two chains of default length, and .64 by one a hundred times as long, far outside of either interval; the
# truth is .67. The chain walks slowly because parameters and tables are sampled in turn.
# Seen: seed 1: .773 (.769 to .778), seed 2: .763 (.756 to .770); the long chain: .637 (.631 to .643).
# Needs Rscript of Debian 12 (R 4.2); about a minute of one processor.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q r-cran-eipack=0.2-2-1 r-cran-coda=0.19-4-1 r-cran-mass=7.3-58.2-1 r-cran-lattice=0.20-45-3 r-cran-eco=4.0-3-1
for package in *.deb; do dpkg -x "$package" tree; done
export R_LIBS="$folder/tree/usr/lib/R/site-library:$folder/tree/usr/lib/R/library"
cat > look.R <<'R'
suppressMessages(library(eiPack))
data(census, package = "eco")
black <- round(census$N * census$X)
white <- census$N - black
read <- round(black * census$W1) + round(white * census$W2)
bags <- data.frame(black, white, read, not = census$N - read)
share <- function(seed, ...) {
  set.seed(seed)
  fit <- ei.MD.bayes(cbind(read, not) ~ cbind(black, white), data = bags, ret.beta = "d", ...)
  draws <- fit$draws$Cell.counts[, "ccount.black.read"] / sum(black)
  cat(sprintf("seed %d: mean %.3f, interval %.3f to %.3f\n", seed, mean(draws), quantile(draws, .05), quantile(draws, .95)))
  quantile(draws, c(.05, .95))
}
cat("eiPack", as.character(packageVersion("eiPack")), "\n")
short <- list(share(1), share(2))
long <- share(1, sample = 1000, thin = 100, burnin = 100000)
apart <- sapply(short, function(interval) interval[2] < long[1] || interval[1] > long[2])
if (!all(apart)) { cat("changed: a default chain meets the long one\n"); quit(status = 1) }
R
Rscript look.R
