#!/usr/bin/env bash
# Unpacks a current Emscripten into PREFIX from Debian's testing suite, without installing anything
# into the system: emscripten.sh PREFIX PATCHELF
#
# Debian 12's own Emscripten is too old for relaxed SIMD, and its C library too old for testing's
# binaries. So testing's packages are only unpacked, and `patchelf` points each tool at the loader
# and libraries that lie beside it. Needs apt-get, python3 with venv and npm; not root.
set -euo pipefail

prefix=$1
patchelf=$2
die() { echo "$*" >&2; exit 1; }
[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] && command -v apt-get >/dev/null ||
  die "Emscripten not found: put em++ 3.1.69 or newer on PATH (only amd64 Debian can fetch it here)."

mkdir -p "$prefix"/apt/state/lists/partial "$prefix"/apt/cache/archives/partial "$prefix"/deb
cd "$prefix"
: >apt/status
mirror=$(apt-get indextargets --format '$(COMPONENT) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "main" && $2 == "Debian" { print $3; exit }')
if [ -z "$mirror" ]; then  # A system whose package lists were never read has no targets to ask.
  mirror=$(grep -rhE '^(deb|URIs:) ' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
    grep -oE '[a-z]+://[^ ]+/debian/?( |$)' | head -1)
fi
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror forky main" \
  >apt/sources.list
options=(-o Dir::Etc::SourceList="$PWD/apt/sources.list" -o Dir::Etc::SourceParts=-
  -o Dir::State="$PWD/apt/state" -o Dir::State::status="$PWD/apt/status"
  -o Dir::Cache="$PWD/apt/cache" -o APT::Sandbox::User= -o Acquire::Retries=3)
quietly() { "$@" >"$prefix/log" 2>&1 || { tail -5 "$prefix/log" >&2; die "failed: $1 $2"; }; }

quietly apt-get update "${options[@]}"
# Testing moves on: the names that carry a version are asked for, not written down.
depends() { apt-cache depends "${options[@]}" "$1" | awk '/Depends:/ { print $2 }'; }
llvm=$(depends emscripten | sed -n 's/^clang-\([0-9]*\)$/\1/p' | head -1)
xml=$(depends "libllvm$llvm" | grep '^libxml2')
(cd deb && quietly apt-get download "${options[@]}" emscripten binaryen "clang-$llvm" "lld-$llvm" \
  "llvm-$llvm" "llvm-$llvm-linker-tools" "libclang-cpp$llvm" "libllvm$llvm" \
  "libclang-common-$llvm-dev" "$xml" libc6 libstdc++6 libgcc-s1 zlib1g libzstd1 libedit2 libffi8 \
  libz3-4 libtinfo6 libbsd0 libmd0)
rm -rf sys
for package in deb/*.deb; do dpkg -x "$package" sys; done

root=$PWD/sys
lib=$root/usr/lib/x86_64-linux-gnu
bin=$root/usr/lib/llvm-$llvm/bin
is_elf() { [ ! -L "$1" ] && [ "$(head -c 4 "$1" | tr -d '\0')" = $'\x7fELF' ]; }
for tool in "$bin"/* "$root"/usr/bin/wasm*; do
  ! is_elf "$tool" || "$patchelf" --set-interpreter "$root/usr/lib64/ld-linux-x86-64.so.2" \
    --force-rpath --set-rpath "$lib:$root/usr/lib/llvm-$llvm/lib" "$tool"
done
# libLLVM's own RUNPATH would switch the tools' RPATH off for what it needs itself.
for library in "$lib"/lib{LLVM,xml2,edit,z3}.so* "$root/usr/lib/llvm-$llvm/lib"/libclang-cpp.so.* \
  "$lib"/libclang-cpp.so.* "$lib"/libbinaryen.so; do
  [ ! -e "$library" ] || ! is_elf "$library" ||
    "$patchelf" --force-rpath --set-rpath "$lib" "$library"
done

# Emscripten's JavaScript tools import these as modules, so they must lie above the tools.
(cd "$root/usr/share/emscripten" &&
  quietly npm install --no-save --no-package-lock --prefix . acorn acorn-import-phases)
cat >em.cfg <<CONFIG
EMSCRIPTEN_ROOT = '$root/usr/share/emscripten'
LLVM_ROOT = '$bin'
BINARYEN_ROOT = '$root/usr'
NODE_JS = '$(command -v node)'
CACHE = '$PWD/cache'
LLVM_ADD_VERSION = None
CLANG_ADD_VERSION = None
CONFIG
rm -rf deb apt log
