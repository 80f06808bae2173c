#!/usr/bin/env bash
# What building the feature `cuda` takes, from PyPI, for machines without a CUDA toolkit; no GPU, driver or root needed.
#
#   xtask/cuda/toolkit.sh FOLDER && . FOLDER/env.sh && cargo build --release --features cuda
#
# Fetches about 2 GB. The compiler stays at CUDA 13.0: a driver refuses intermediate code of a newer one than it knows.
set -euo pipefail

folder=${1:?usage: toolkit.sh FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

# --- The packages: compiler, headers, libraries.
[ -x "$folder/python/bin/pip" ] || python3 -m venv "$folder/python"
compiler=('nvidia-cuda-nvcc==13.0.*' 'nvidia-nvvm==13.0.*' 'nvidia-cuda-crt==13.0.*' 'nvidia-cuda-cccl==13.0.*')
libraries=('nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-nvrtc==13.0.*' 'nvidia-cublas==13.1.*'
    'nvidia-curand>=10.4,<11' 'nvidia-cudnn-cu13>=9.20,<10')
"$folder/python/bin/pip" install --quiet --disable-pip-version-check "${compiler[@]}" "${libraries[@]}"
packages=$("$folder/python/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nvidia
cuda=$packages/cu13

# --- Names that the linker looks for: the packages have only those with a version.
links=$folder/lib
mkdir -p "$links"
for file in "$cuda"/lib/lib*.so.* "$packages"/cudnn/lib/lib*.so.*; do
    name=${file##*/}
    ln -sf "$file" "$links/$name"
    case $name in
    *.alt.so.*) ;; # another build of the same library
    *) ln -sf "$name" "$links/${name%%.so.*}.so" ;;
    esac
done

# --- The driver's library comes with a driver only: in its place, one with the same names, which all answer
# CUDA_ERROR_NO_DEVICE. Programs are linked with it; under the name libcuda.so.1 it also lets them start without a driver.
grep -oE '\bcu[A-Z][A-Za-z0-9_]*' "$cuda/include/cuda.h" | sort -u |
    sed 's/.*/int &(void) { return 100; }/' |
    "${CC:-cc}" -x c -w -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$links/libcuda.so" -
mkdir -p "$folder/stand-in"
ln -sf ../lib/libcuda.so "$folder/stand-in/libcuda.so.1"

# --- The environment. One build serves every GPU from compute capability 8.0 on.
cat >"$folder/env.sh" <<ENV
export CUDA_HOME='$cuda'
export CUDA_COMPUTE_CAP="\${CUDA_COMPUTE_CAP:-80}"
export PATH='$cuda/bin':"\$PATH"
export LIBRARY_PATH='$links'"\${LIBRARY_PATH:+:\$LIBRARY_PATH}"
ENV
"$cuda/bin/nvcc" --version | grep release
echo "ready: . '$folder/env.sh'"
