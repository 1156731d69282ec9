#include "test_device/device_work.h"

#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace charrnn::test_backend {
namespace {

struct Work {
  std::mutex mutex;
  DeviceCounts counts;
  int64_t position = 0;
  std::deque<std::pair<int64_t, std::function<void()>>> unfinished;  // by position
};

Work& work() {
  static auto* const work = new Work;
  return *work;
}

}  // namespace

void count_operation(const std::string& name) {
  const std::lock_guard lock(work().mutex);
  ++work().counts.operations;
  ++work().counts.by_name[name];
}

void count_copy(bool to_device, bool is_pinned) {
  const std::lock_guard lock(work().mutex);
  DeviceCounts& counts = work().counts;
  ++(to_device ? counts.copies_to_device : counts.copies_to_host);
  if (!is_pinned) ++counts.unpinned_copies;
}

void finish_later(std::function<void()> finish) {
  const std::lock_guard lock(work().mutex);
  work().unfinished.emplace_back(work().position++, std::move(finish));
}

int64_t position() {
  const std::lock_guard lock(work().mutex);
  return work().position;
}

void synchronize(const std::string& name, int64_t position) {
  {
    const std::lock_guard lock(work().mutex);
    ++work().counts.synchronizations;
    ++work().counts.synchronizations_by_name[name];
  }
  finish_until(position);
}

void synchronize(const std::string& name) {
  synchronize(name, position());
}

void finish_until(int64_t position) {
  std::vector<std::function<void()>> finished;
  {
    const std::lock_guard lock(work().mutex);
    auto& unfinished = work().unfinished;
    while (!unfinished.empty() && unfinished.front().first < position) {
      finished.push_back(std::move(unfinished.front().second));
      unfinished.pop_front();
    }
  }
  for (const auto& finish : finished) finish();
}

DeviceCounts counts_now() {
  const std::lock_guard lock(work().mutex);
  return work().counts;
}

void reset() {
  const std::lock_guard lock(work().mutex);
  work().counts = {};
}

}  // namespace charrnn::test_backend
