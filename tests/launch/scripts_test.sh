#!/usr/bin/env bash
# The scripts parse, print their usage and pass shellcheck if it is installed; pins.sh lists everything once.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts=("$root"/{launch,bench}/*.sh "$root/launch/run" "$root/.ci/run" "$root"/slurm/*
  "$root"/tests/{launch,slurm,network,bundle,sanitizers}/*.sh "$root/tests/network/charrnn_on_host")
for script in "${scripts[@]}"; do bash -n "$script" || fail "$script does not parse"; done

cd "$scratch"
for script in launch/{install.sh,build.sh,bundle.sh,gpu_check.sh,test.sh,quickstart.sh,get_gutenberg.sh,fuzz.sh,tidy.sh,tsan_tbb.sh,run} \
  bench/{bench.sh,tutorials.sh}; do
  contains "$script --help" "usage: $script" "$(bash "$root/$script" --help)"
  status=0
  [ "$script" = launch/run ] || bash "$root/$script" --no-such-option >"$scratch/output" 2>&1 || status=$?
  [ "$script" = launch/run ] || equal "$script --no-such-option" 2 "$status"
done

# The batch scripts have their usage in a comment, and print a message if Slurm did not start them.
for script in "$root"/slurm/*.sbatch; do
  contains "$script" "sbatch [SBATCH-OPTIONS...] slurm/${script##*/}" "$(sed 's/--array=[^ ]* //' "$script")"
  status=0
  (unset SLURM_JOB_ID SLURM_SUBMIT_DIR CHARRNN_ROOT; bash "$script" config.yaml) >"$scratch/output" 2>&1 || status=$?
  equal "${script##*/} elsewhere: $(cat output)" 2 "$status"
  contains "${script##*/} elsewhere" "export CHARRNN_ROOT=FOLDER" "$(cat output)"
  status=0
  (unset SLURM_JOB_ID; CHARRNN_ROOT=$root bash "$script" config.yaml) >"$scratch/output" 2>&1 || status=$?
  equal "${script##*/} without Slurm: $(cat output)" 2 "$status"
  contains "${script##*/} without Slurm" "submit it with sbatch" "$(cat output)"
done

. "$root/launch/pins.sh"
wheels=("${core_wheels[@]}" "${full_wheels[@]}" "${test_wheels[@]}")
for wheel in "${wheels[@]}" "${torch_2_11_0_wheels[@]}"; do
  [[ $wheel =~ ^[A-Za-z0-9_-]+==[0-9][0-9.]*$ ]] || fail "pins.sh: '$wheel' is not NAME==VERSION"
done
equal "pins.sh: wheels listed twice" "" "$(printf '%s\n' "${wheels[@]%%==*}" | tr 'A-Z_' 'a-z-' | sort | uniq -d)"
equal "pins.sh: packages listed twice" "" \
  "$(printf '%s\n' "${apt_packages[@]}" "${apt_test_packages[@]}" "${apt_clang_packages[@]}" | sort | uniq -d)"

(cd "$root/data" && grep -o '^| `[^`]*` .*' README.md | sed -E 's/^\| `([^`]*)`.* `([0-9a-f]{64})` \|$/\2  \1/' |
  sha256sum --check --quiet) || fail "files in data/ differ from the hashes in data/README.md"
texts=$(cd "$root/data" && find . -mindepth 2 -type f -name '*.txt' -not -path './gutenberg/*' | wc -l)
equal "files in data/README.md" "$texts" "$(grep -c '^| `' "$root/data/README.md")"

if command -v shellcheck >/dev/null; then
  # Disabled: warnings about `A && B || C`, about $ in single quotes, and about code that only a trap calls.
  (cd "$root" && shellcheck -x -P SCRIPTDIR -P . -e SC2015,SC2016,SC2317 "${scripts[@]}") || fail "shellcheck"
else
  echo "shellcheck is not installed: skipped"
fi
