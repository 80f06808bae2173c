#!/usr/bin/env bash
# Everything that takes a GPU, in one call of less than nine minutes: what the GPU is, the tests, speed beside PyTorch,
# where a step's time goes, and trainings on CIFAR-10. Results go to FOLDER/check, the summary to FOLDER/check/summary.md.
#
#   xtask/cuda/check.sh FOLDER CIFAR10 PYTHON
#
# FOLDER is what xtask/cuda/bundle.sh has made, CIFAR10 the data, PYTHON one with torch and torchvision; CUDA's libraries
# are taken from PYTHON's packages unless the loader finds others. Needs no cargo. A part that fails is noted, and the
# next one runs.
set -uo pipefail

folder=$(cd "${1:?usage: check.sh FOLDER CIFAR10 PYTHON}" && pwd)
data=${2:?usage: check.sh FOLDER CIFAR10 PYTHON}
python=${3:?usage: check.sh FOLDER CIFAR10 PYTHON}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$folder/check
rm -rf "$out"
mkdir -p "$out"

packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nvidia
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$packages/cu13/lib:$packages/cudnn/lib"
export CARGO_MANIFEST_DIR=$root/xtask
# What is compiled for this GPU once need not be again.
export CUDA_CACHE_PATH=$folder/cache/cuda CUDA_CACHE_MAXSIZE=1073741824 TORCHINDUCTOR_CACHE_DIR=$folder/cache/torch
failures=0
started=$SECONDS

# part NAME SECONDS COMMAND...: runs a command for so long at most; its output goes to NAME.log, its end to the summary.
part() {
    local name=$1 limit=$2 before=$SECONDS
    shift 2
    if timeout --kill-after 10 "$limit" "$@" >"$out/$name.log" 2>"$out/$name.err"; then
        echo "- $name: passed in $((SECONDS - before)) s" >>"$out/summary.md"
    else
        echo "- $name: FAILED with $? after $((SECONDS - before)) s" >>"$out/summary.md"
        tail -n 20 "$out/$name.log" "$out/$name.err"
        failures=$((failures + 1))
    fi
}

date -u +'# %Y-%m-%d %H:%M UTC' >"$out/summary.md"
part doctor 30 "$folder/llp" doctor
part warm-up 60 "$folder/train_step" cifar 8 16 10 cuda bf16
for test in "$folder"/tests/*; do
    part "test-$(basename "$test")" 90 "$test" --test-threads 4
done
part speed 260 "$folder/xtask" bench train --device cuda --turns 1 --program "$folder/train_step" --peers "$python"
part layers 40 "$folder/device_layers" cuda bf16 512 64
# Labels of single images: the network and its trainer, without bags.
part supervised 100 "$folder/llp" train --preset paper --data "$data" --device cuda --precision bfloat16 \
    --bag-size 1 --loss kl --epochs 26 --lr 0.1 --set data.held_out=0.0 --set optim.weight_decay=0.0005 \
    --set optim.lr_drop_at=0.65 --set augment.shift=4 --progress lines --out "$out/supervised-run"
part bags 120 "$folder/llp" sweep run "$root/docs/sweeps/cifar10-gpu.toml" --data "$data" --device cuda \
    --jobs-per-gpu 4 --progress lines --out "$out/bags-run"

{
    for name in doctor speed layers supervised bags; do
        printf '\n## %s\n\n' "$name"
        tail -n 40 "$out/$name.log"
    done
    printf '\n%s s in all, %s failures\n' "$((SECONDS - started))" "$failures"
} >>"$out/summary.md"
cat "$out/summary.md"
exit "$((failures > 0))"
