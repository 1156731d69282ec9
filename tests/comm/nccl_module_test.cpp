// Without a GPU: the module loads together with the CUDA runtime and NCCL that it was built for.
#include <gmock/gmock.h>

#include <cstdlib>
#include <functional>
#include <string>

#include "charrnn/comm/nccl/nccl_backend.h"
#include "charrnn/comm/solo.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // their own dlopen does not see the program's RUNPATH
#else
constexpr bool kSanitized = false;
#endif

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(NcclModule, LoadsWithTheVersionsItWasBuiltForOrReportsWhyNot) {
  if (!nccl_missing().empty()) {
    EXPECT_THAT(message_of([] { nccl_versions(); }), HasSubstr("CHARRNN_CUDA=OFF"));
    return;
  }
  if (kSanitized) GTEST_SKIP() << "a sanitizer's dlopen does not find the module";
  const NcclVersions versions = nccl_versions();
  EXPECT_GE(versions.nccl_built, 21800);  // 2.18 is the first with all functions that are used here
  EXPECT_GE(versions.cuda_built, 12000);
  EXPECT_EQ(versions.nccl_loaded, versions.nccl_built);
  EXPECT_EQ(versions.cuda_loaded, versions.cuda_built);
  check_versions(versions);
}

TEST(NcclModule, OtherVersionsAreRefused) {
  EXPECT_THAT(message_of([] {
                check_versions({23007, 22809, 13020, 13020});
              }),
              AllOf(HasSubstr("NCCL 23007"), HasSubstr("22809")));
  EXPECT_THAT(message_of([] {
                check_versions({23007, 23007, 13020, 12080});
              }),
              AllOf(HasSubstr("CUDA runtime 13020"), HasSubstr("12080")));
}

// An Error thrown inside the module is caught here as one.
TEST(NcclModule, WithoutADriverTheErrorIsCuda) {
  if (kSanitized || !nccl_missing().empty()) GTEST_SKIP() << "no module to load " << nccl_missing();
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  const auto solo = make_solo_communicator();
  Watchdog watchdog;
  EXPECT_THAT(message_of([&] { make_nccl_communicator(*solo, 0, true, watchdog); }),
              HasSubstr("CUDA failed in cudaSetDevice"));
  EXPECT_THAT(message_of([&] { make_one_gpu_communicator(*solo, 0, watchdog); }),
              HasSubstr("CUDA failed in cudaSetDevice"));
}

}  // namespace
}  // namespace charrnn
