#include "charrnn/model/buffers.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace charrnn {
namespace {

constexpr std::align_val_t kCacheLine{64};

struct Free {
  void operator()(float* memory) const { ::operator delete(memory, kCacheLine); }
};

struct Block {
  std::unique_ptr<float, Free> memory;
  int64_t size;      // floats
  int64_t last_use;  // counted in calls of take_buffer
};

// Blocks that are not in use.
class Shelf {
 public:
  Block take(int64_t size) {
    const std::scoped_lock lock(mutex_);
    ++takes_;
    auto best = blocks_.end();
    for (auto block = blocks_.begin(); block != blocks_.end(); ++block) {
      const bool fits = block->size >= size && block->size <= 2 * size;
      if (fits && (best == blocks_.end() || block->size < best->size)) best = block;
    }
    if (best != blocks_.end()) {
      Block found = std::move(*best);
      blocks_.erase(best);
      return found;
    }
    constexpr int64_t kLongAgo = 1000;  // some tens of steps
    std::erase_if(blocks_, [&](const Block& block) { return block.last_use + kLongAgo < takes_; });
    const size_t bytes = static_cast<size_t>(std::max<int64_t>(size, 1)) * sizeof(float);
    return {std::unique_ptr<float, Free>(static_cast<float*>(::operator new(bytes, kCacheLine))), size, 0};
  }

  void put_back(Block block) {
    const std::scoped_lock lock(mutex_);
    block.last_use = takes_;
    blocks_.push_back(std::move(block));
  }

 private:
  std::mutex mutex_;
  std::vector<Block> blocks_;
  int64_t takes_ = 0;
};

}  // namespace

at::Tensor take_buffer(at::IntArrayRef sizes) {
  static const auto shelf = std::make_shared<Shelf>();
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  const auto block = std::make_shared<Block>(shelf->take(count));
  // The deleter shares ownership, because a tensor may outlive the shelf when the program ends.
  return at::from_blob(
      block->memory.get(), sizes, [block, home = shelf](void*) { home->put_back(std::move(*block)); },
      at::TensorOptions().dtype(at::kFloat));
}

}  // namespace charrnn
