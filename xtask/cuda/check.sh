#!/usr/bin/env bash
# Everything that takes a GPU, in one call of less than eight minutes, the most important first: what the GPU is, the tests,
# speed beside PyTorch, where a step's time goes, and trainings on a part of CIFAR-10.
#
#   xtask/cuda/check.sh BUNDLE PYTHON OUT
#
# BUNDLE is what xtask/cuda/bundle.sh has made, PYTHON one with torch; CUDA's libraries are taken from its packages unless the
# loader finds others. Needs this repository, and no cargo. Each part has a limit of its own, and none begins when the time of
# all is over. What was seen so far is in OUT/summary.md at any time, the output of all parts in OUT/log.txt: a call that is
# cut still tells.
#
# With LLP_DRY_RUN=1 it tries itself on a machine without a GPU (docs/cuda.md): the tests compute, slowly, in the place of a
# GPU, PyTorch trains on the processor for a moment, and all other numbers mean nothing.
set -uo pipefail

usage='usage: check.sh BUNDLE PYTHON OUT'
bundle=$(cd "${1:?$usage}" && pwd)
python=${2:?$usage}
mkdir -p "${3:?$usage}"
out=$(cd "$3" && pwd)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
data=$bundle/cifar10-subset
dry=${LLP_DRY_RUN:-}
slack=${dry:+8} # a processor takes longer than a GPU
slack=${slack:-1}
ALL=$((480 * slack)) # seconds of all parts
LOGGED=500000        # bytes of a part's output that are kept
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -f "$out"/*
# By Python, which needs no other program for xz.
"$python" -m tarfile -e "$bundle/programs.tar.xz" "$work" || exit 1
programs=$work/programs tests=$work/tests

packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nvidia
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$packages/cu13/lib:$packages/cudnn/lib"
export CARGO_MANIFEST_DIR=$root/xtask
# What is compiled for this GPU once need not be again.
export CUDA_CACHE_PATH=$work/cuda TORCHINDUCTOR_CACHE_DIR=$work/torch
failures=0

say() { printf '%s\n' "$@" >>"$out/summary.md"; }

# part NAME SECONDS COMMAND...: runs a command for so long at most, and puts the end of its output into the summary.
part() {
    local name=$1 limit=$(($2 * slack)) left=$((ALL - SECONDS)) before=$SECONDS end
    shift 2
    limit=$((limit < left ? limit : left))
    if [ "$limit" -lt 1 ]; then
        say '' "## $name: left out, the time is over"
        return
    fi
    timeout --kill-after 5 "$limit" "$@" >"$out/part.txt" 2>"$out/part-errors.txt"
    end=$?
    case $end in
    0) say '' "## $name: passed in $((SECONDS - before)) s" ;;
    124 | 137) say '' "## $name: CUT after $((SECONDS - before)) s" ;;
    *) say '' "## $name: FAILED with $end after $((SECONDS - before)) s" ;;
    esac
    say '' '```text' "$(tail -n 24 "$out/part.txt" | cut -c 1-400)" '```'
    if [ "$end" -ne 0 ]; then
        failures=$((failures + 1))
        say '' '```text' "$(tail -n 24 "$out/part-errors.txt" | cut -c 1-400)" '```'
    fi
    for file in part part-errors; do
        printf '\n=== %s, %s\n' "$name" "$file"
        tail -c "$LOGGED" "$out/$file.txt"
    done >>"$out/log.txt"
    rm -f "$out"/part.txt "$out"/part-errors.txt
}

# The files of trained runs that are worth keeping.
keep() { cp "$work/$1/metrics.jsonl" "$out/$1.jsonl" 2>>"$out/log.txt" || true; }

say "# $(date -u +'%Y-%m-%d %H:%M UTC')${dry:+, a dry run: no number here is of a GPU}"
prepared=(env ${dry:+LLP_CUDA_COMPUTE=1 PROPTEST_CASES=2})
part doctor 20 "$programs/llp" doctor
part 'tests: ten steps, CPU against CUDA' 60 "${prepared[@]}" "$tests/llp-nn" --test-threads 2
part 'tests: operations against the CPU' 90 "${prepared[@]}" "$tests/llp-kernels" --test-threads 4
part 'tests: losses against the CPU' 30 "${prepared[@]}" "$tests/llp-loss" --test-threads 4
part 'images a second, ResNet-18 in bfloat16' 190 "$programs/xtask" bench train --device cuda --turns 1 \
    --program "$programs/train_step" --peers "$python"
images=${dry:+8}
part 'where a step goes, 512 images' 30 "$programs/device_layers" cuda bf16 "${images:-512}" 64

# Labels of single images, on 15,000 training and 5,000 test images: the network and its trainer, without bags.
epochs=${dry:+1}
epochs=${epochs:-26}
part 'a part of CIFAR-10, labels, llp' 60 "$programs/llp" train --preset paper --data "$data" --device cuda \
    --precision bfloat16 --bag-size 1 --loss kl --epochs "$epochs" --lr 0.1 --set data.held_out=0.0 \
    --set optim.weight_decay=0.0005 --set optim.lr_drop_at=0.65 --set augment.shift=4 --progress lines \
    --out "$work/labels"
keep labels
"$programs/image_subset" unpack "$data" "$work/records"
peer=(--epochs "$epochs")
[ -z "$dry" ] || peer=(--device cpu --epochs 1 --limit 256 --width 16)
part 'a part of CIFAR-10, labels, PyTorch' 90 "$python" "$root/xtask/peers/resnet_train_torch.py" "$work/records" \
    "${peer[@]}"
part 'a part of CIFAR-10, bags of 16 and 64' 90 "$programs/llp" sweep run "$root/docs/sweeps/cifar10-gpu.toml" \
    --data "$data" --device cuda --jobs-per-gpu 4 --progress lines ${dry:+--epochs 1} --out "$work/bags"
cp "$work/bags/results.md" "$out/bags.md" 2>>"$out/log.txt" || true

say '' "$SECONDS s in all, $failures failures."
cat "$out/summary.md"
exit "$((failures > 0))"
