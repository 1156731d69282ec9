#include "test_device/device_memory.h"

#include <c10/util/Exception.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace charrnn::test_backend {
namespace {

const c10::Device kDevice(c10::DeviceType::PrivateUse1, 0);

size_t page_size() {
  static const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// Whole pages; large sizes are rounded up to one of eight steps between powers of two, so that blocks can be
// reused.
size_t capacity_of(size_t bytes) {
  const size_t step = std::max(page_size(), std::bit_ceil(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

struct Block {
  std::byte* device;  // address in tensors
  std::byte* memory;  // address for kernels
  size_t capacity;
  size_t bytes;  // as requested
};

class DeviceHeap {
 public:
  Block* allocate(size_t bytes) {
    const std::lock_guard lock(mutex_);
    const size_t capacity = capacity_of(bytes);
    Block* block = nullptr;
    if (std::vector<Block*>& free = free_[capacity]; !free.empty()) {
      block = free.back();
      free.pop_back();
      cached_ -= capacity;
    } else {
      block = map_block(capacity);
    }
    block->bytes = bytes;
    std::memset(block->memory, 0xff, bytes);
    live_[block->device] = block;
    live_bytes_ += bytes;
    peak_bytes_ = std::max(peak_bytes_, live_bytes_);
    return block;
  }

  void release(Block* block) {
    const std::lock_guard lock(mutex_);
    live_.erase(block->device);
    live_bytes_ -= block->bytes;
    cached_ += block->capacity;
    free_[block->capacity].push_back(block);
  }

  // Null if the range is not within one live allocation.
  std::byte* find(const void* address, size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto* first = static_cast<const std::byte*>(address);
    auto found = live_.upper_bound(first);
    if (found == live_.begin()) return nullptr;
    const Block& block = *(--found)->second;
    const auto offset = static_cast<size_t>(first - block.device);
    if (offset > block.bytes || bytes > block.bytes - offset) return nullptr;
    return block.memory + offset;
  }

  DeviceMemory in_use() {
    const std::lock_guard lock(mutex_);
    return {static_cast<int64_t>(live_bytes_), static_cast<int64_t>(peak_bytes_),
            static_cast<int64_t>(cached_)};
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    peak_bytes_ = live_bytes_;
  }

  void release_cached() {
    const std::lock_guard lock(mutex_);
    for (const auto& [capacity, blocks] : free_) {
      for (const Block* block : blocks) {
        munmap(block->device, mapped_bytes(capacity));
        delete block;
      }
    }
    free_.clear();
    cached_ = 0;
  }

 private:
  // Device addresses, a page, memory, a page; only the memory has access rights.
  static size_t mapped_bytes(size_t capacity) { return 2 * (capacity + page_size()); }

  static Block* map_block(size_t capacity) {
    void* range =
        mmap(nullptr, mapped_bytes(capacity), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    TORCH_CHECK(range != MAP_FAILED, "the device for tests has no memory for ", capacity, " bytes");
    auto* device = static_cast<std::byte*>(range);
    std::byte* memory = device + capacity + page_size();
    TORCH_CHECK(mprotect(memory, capacity, PROT_READ | PROT_WRITE) == 0,
                "the device for tests has no memory for ", capacity, " bytes");
    return new Block{device, memory, capacity, 0};
  }

  std::mutex mutex_;
  std::map<const std::byte*, Block*> live_;
  std::map<size_t, std::vector<Block*>> free_;  // by capacity
  size_t live_bytes_ = 0;
  size_t peak_bytes_ = 0;
  size_t cached_ = 0;
};

// Never destroyed, because tensors may outlive everything else.
DeviceHeap& heap() {
  static auto* const heap = new DeviceHeap;
  return *heap;
}

class DeviceAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, kDevice};
    Block* block = heap().allocate(bytes);
    return {block->device, block, [](void* context) { heap().release(static_cast<Block*>(context)); },
            kDevice};
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(kernel_address(to, bytes), kernel_address(from, bytes), bytes);
  }
};

class PinnedHeap {
 public:
  void* allocate(size_t bytes) {
    constexpr size_t alignment = 64;
    void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (memory == nullptr) throw std::bad_alloc();
    const std::lock_guard lock(mutex_);
    sizes_[memory] = bytes;
    return memory;
  }
  void release(void* memory) {
    const std::lock_guard lock(mutex_);
    sizes_.erase(memory);
    std::free(memory);
  }
  bool has(const void* address) {
    const std::lock_guard lock(mutex_);
    auto found = sizes_.upper_bound(address);
    if (found == sizes_.begin()) return false;
    --found;
    return static_cast<const std::byte*>(address) <
           static_cast<const std::byte*>(found->first) + found->second;
  }

 private:
  std::mutex mutex_;
  std::map<const void*, size_t> sizes_;
};

PinnedHeap& pinned_heap() {
  static auto* const heap = new PinnedHeap;
  return *heap;
}

class PinnedAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, c10::DeviceType::CPU};
    void* memory = pinned_heap().allocate(bytes);
    return {memory, memory, [](void* context) { pinned_heap().release(context); }, c10::DeviceType::CPU};
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

}  // namespace

c10::Allocator* device_allocator() {
  static auto* const allocator = new DeviceAllocator;
  return allocator;
}

c10::Allocator* pinned_allocator() {
  static auto* const allocator = new PinnedAllocator;
  return allocator;
}

std::byte* kernel_address(const void* address, size_t bytes) {
  std::byte* found = heap().find(address, bytes);
  TORCH_CHECK(found != nullptr, "a kernel of the device for tests was given ", bytes, " bytes at ", address,
              ", which are not within one live allocation of the device");
  return found;
}

bool is_device_address(const void* address) {
  return heap().find(address, 0) != nullptr;
}

bool is_pinned_address(const void* address) {
  return pinned_heap().has(address);
}

DeviceMemory memory_in_use() {
  return heap().in_use();
}

void reset_peak() {
  heap().reset_peak();
}

void release_cached() {
  heap().release_cached();
}

}  // namespace charrnn::test_backend
