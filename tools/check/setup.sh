# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Shared by tools/run and tools/test: packages, configuration, build. Sourced; expects $root. Speaks on stderr, so that
# results on stdout stay clean. Each step looks first and is quick when there is nothing to do.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# install_packages [tests]: what Sluice is built and run with; with "tests" all of packages.txt.
install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    [ "${SLUICE_PACKAGES:-}" = present ] && return
    fail "packages are installed with apt-get (Debian 12 or later), which this system lacks. Install what" \
      "tools/packages.txt names by other means and run again with SLUICE_PACKAGES=present"
  fi
  local wanted present missing
  wanted=$([ "${1:-}" = tests ] && cat "$root/tools/packages.txt" || sed '/^# For tests/,$d' "$root/tools/packages.txt")
  wanted=$(grep -E '^[^#]' <<<"$wanted" | sort -u)
  # dpkg-query fails when it has never heard of one of them, which on a bare system is the rule.
  # shellcheck disable=SC2086  # one word per package
  present=$({ dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null || true; } |
    sed -n 's/^installed //p' | sort -u)
  missing=$(comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$present") | tr '\n' ' ')
  [ -z "${missing// /}" ] && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "these packages are missing: ${missing}; run as root, or install sudo"
    as_root=(sudo)
  fi
  say "installing ${missing}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update >&2 || fail "apt-get update failed"
  # shellcheck disable=SC2086
  "${apt[@]}" install -y --no-install-recommends $missing >&2 || fail "apt-get could not install: ${missing}"
}

# configure PRESET [tests]: only when it never succeeded here; afterwards ninja itself sees changed CMake files. Without
# "tests" what is configured stays as it is.
configure() {
  local build="$root/build/$1" tests=OFF done=
  [ "${2:-}" = tests ] && tests=ON
  [ -f "$build/build.ninja" ] && [ -f "$build/.configured" ] && done=$(cat "$build/.configured")
  [ "$done" = "tests ON" ] && return
  [ "$done" = "tests $tests" ] && return
  say "configuring $build"
  (cd "$root" && cmake --preset "$1" -DSLUICE_WERROR=ON -DSLUICE_BUILD_TESTS=$tests) >&2 || fail "configuration failed"
  echo "tests $tests" >"$build/.configured"
}

# build PRESET TARGET...: ninja's progress, or that there is nothing to do.
build() {
  local preset=$1
  shift
  ninja -C "$root/build/$preset" "$@" >&2 || fail "the build failed"
}
