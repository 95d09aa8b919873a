#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On a bare Debian dpkg-query has not heard of most packages and fails; what is missing must be installed all the same.
set -euo pipefail
source_dir=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for command in dpkg-query apt-get sudo; do
  printf '#!/bin/bash\n[ "${0##*/}" = dpkg-query ] && exit 1\necho "$*" >>%s/asked\n' "$folder" >"$folder/$command"
  chmod +x "$folder/$command"
done
ask_for() {
  : >"$folder/asked"
  root=$source_dir PATH=$folder:$PATH bash -c 'set -euo pipefail; . "$root/tools/check/setup.sh"; install_packages "$@"' - "$@" 2>/dev/null
}
ask_for
grep -q 'install .*libsystemc-dev' "$folder/asked"
if grep -q 'libgtest-dev\|clang' "$folder/asked"; then
  echo "who only runs sluice would wait for what tests need"
  exit 1
fi
ask_for tests
grep -q 'install .*clang-tidy.* libgtest-dev .*libsystemc-dev' "$folder/asked"
