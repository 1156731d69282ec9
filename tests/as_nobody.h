// During its lifetime, a test that root started runs without root's rights, so that file permissions take
// effect.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace charrnn {

class AsNobody {
 public:
  // Gives the folder and all in it to nobody.
  explicit AsNobody(const std::filesystem::path& folder) : was_root_(geteuid() == 0) {
    if (!was_root_) return;
    EXPECT_EQ(chown(folder.c_str(), kNobody, kNobody), 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      EXPECT_EQ(lchown(entry.path().c_str(), kNobody, kNobody), 0);
    }
    EXPECT_EQ(seteuid(kNobody), 0);
  }
  ~AsNobody() {
    if (was_root_) {
      EXPECT_EQ(seteuid(0), 0);
    }
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  bool was_root_;
};

}  // namespace charrnn
