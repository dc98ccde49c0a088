#!/usr/bin/env bash
# The GPU's benchmark in one command, on a machine with torch and a GPU, network or none.
#
#   benchmarks/gpu.sh [--wheels FOLDER] [options of gpu.py]
#   benchmarks/gpu.sh pack FOLDER [PACKAGE…]
#
# `pack` gathers in FOLDER, where there is a network, the wheels that the benchmark needs besides
# torch, for Python 3.12 on Linux, x86-64; with them it runs where nothing else is installed. Name
# packages to have them too: with `datasets dill multiprocess pandas pyarrow python-dateutil six
# xxhash` the tutorial's rows lie in an Arrow table, as in the tutorial; else they are lists, which
# are quicker. PYTHON chooses the Python; results go to --output, or $OUT, or gpu-results.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")

default_python=$root/.venv/bin/python
[ -x "$default_python" ] || default_python=python3
python=${PYTHON:-$default_python}

pack() {
  [ $# -gt 0 ] || { echo "gpu.sh: pack must be told where to: gpu.sh pack FOLDER" >&2; exit 2; }
  local folder=$1 platform platforms=()
  shift
  for platform in manylinux_2_{28,27,26,24,17,12,5} manylinux{2014,2010,1}; do
    platforms+=(--platform "${platform}_x86_64")
  done
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.12 --implementation cp "${platforms[@]}" --dest "$folder" \
    --constraint "$root/constraints.txt" --requirement "$here/gpu_parts/requirements.txt" "$@"
  echo "$(find "$folder" -name '*.whl' | wc -l) wheels in $folder, $(du -sh "$folder" | cut -f1)"
}

run() {
  local wheels
  if [ "${1:-}" = --wheels ]; then
    wheels=${2:-}
    compgen -G "$wheels/*.whl" >/dev/null ||
      { echo "gpu.sh: --wheels must be the folder that was packed, but '$wheels' is not" >&2; exit 2; }
    shift 2
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    "$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-compile \
      --target "$site" "$wheels"/*.whl
    export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH}
  fi
  export PYTHONUNBUFFERED=1
  "$python" "$here/gpu.py" --output "${OUT:-gpu-results}" "$@"
}

if [ "${1:-}" = pack ]; then
  shift
  pack "$@"
else
  run "$@"
fi
