#!/usr/bin/env bash
# Locks what `lifealign engine install torch` installs: worker/requirements-cuda.txt, the whole environment, and
# worker/requirements-cpu.txt, what stands beside a torch without CUDA; and worker/requirements-quantization.txt, what
# `--quantization` adds to either. Needs uv; run after a change of versions in worker/pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/../worker"
lock() {
  local output=$1
  shift
  uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-emit-find-links --no-annotate --custom-compile-command 'scripts/lock-worker.sh' --output-file "$output" "$@"
}
lock requirements-cuda.txt
without=(torch triton cuda-toolkit cuda-bindings cuda-pathfinder)
for name in $(grep -oE '^nvidia-[a-z0-9-]+' requirements-cuda.txt); do without+=("$name"); done
lock requirements-cpu.txt "${without[@]/#/--no-emit-package=}"
without=()
for name in $(grep -oE '^[a-z0-9-]+==' requirements-cuda.txt); do without+=("${name%==}"); done
lock requirements-quantization.txt --extra quantization --constraint requirements-cuda.txt "${without[@]/#/--no-emit-package=}"
