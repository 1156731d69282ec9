#!/usr/bin/env bash
# launch/test.sh and launch/build.sh with a project of five tests in which nothing is compiled: counts and exit codes.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

copy="$scratch/a clone"
mkdir "$copy"
cp -r "$root/launch" "$root/CMakePresets.json" "$copy/"
echo 'echo "install.sh $*" >>"$calls"' >"$copy/launch/install.sh"
export LIBTORCH_ROOT=/opt/libtorch calls=$scratch/calls HOME=$scratch
unset XDG_CACHE_HOME
cat >"$copy/CMakeLists.txt" <<'PROJECT'
cmake_minimum_required(VERSION 3.25)
project(five LANGUAGES NONE)
enable_testing()
add_custom_target(tools)
if(BUILD_TESTING)
  add_test(NAME passes COMMAND true)
  add_test(NAME passes_too COMMAND sh -c "! read line")  # standard input is empty, not a terminal
  add_test(NAME fails COMMAND false)
  add_test(NAME skipped COMMAND sh -c "exit 77")
  add_test(NAME disabled COMMAND false)
  set_tests_properties(skipped PROPERTIES SKIP_RETURN_CODE 77)
  set_tests_properties(disabled PROPERTIES DISABLED TRUE)
endif()
PROJECT

cd "$scratch"
try() { status=0; output=$(bash "$@" 2>&1 <&-) || status=$?; }

try "$copy/launch/build.sh" --tools
equal "build.sh --tools: $output" 0 "$status"
contains "build.sh --tools" "-DBUILD_TESTING=OFF" "$output"
try "$copy/launch/build.sh" --tools
case $output in *"+ cmake --preset"*) fail "build.sh configures again: $output" ;; esac
LIBTORCH_ROOT=/opt/another try "$copy/launch/build.sh" --tools
contains "build.sh, another LibTorch" "+ cmake --preset release -B build/release --fresh" "$output"
try "$copy/launch/build.sh" --tools --torch 2.11.0
equal "build.sh --torch: $output" 0 "$status"
contains "build.sh --torch installs" "install.sh --torch 2.11.0" "$(cat "$calls")"
equal "build.sh --torch builds against" "$scratch/.cache/charrnn/torch-2.11.0/torch" \
  "$(cat "$copy/build/torch-2.11.0/libtorch_root")"
equal "build.sh --torch leaves build/release alone" /opt/another "$(cat "$copy/build/release/libtorch_root")"

try "$copy/launch/test.sh" --build-only
equal "test.sh --build-only: $output" 0 "$status"
contains "test.sh installs" "install.sh --tests" "$(cat "$calls")"

try "$copy/launch/test.sh"
[ "$status" != 0 ] || fail "exit code 0 in spite of a failed test: $output"
equal "last line" "2 passed, 1 failed, 2 skipped" "$(tail -n 1 <<<"$output")"
try "$copy/launch/test.sh" release -- -R passes
equal "only those that pass: $output" 0 "$status"
equal "last line" "2 passed, 0 failed, 0 skipped" "$(tail -n 1 <<<"$output")"
try "$copy/launch/test.sh" -- -R no_such_test
[ "$status" != 0 ] || fail "exit code 0 although no test was run: $output"

echo 'message(FATAL_ERROR "broken")' >>"$copy/CMakeLists.txt"
try "$copy/launch/test.sh"
[ "$status" != 0 ] || fail "exit code 0 for a project that cannot be configured: $output"
