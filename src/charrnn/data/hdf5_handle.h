// The one place where HDF5's return codes become Error and its handles close themselves. HDF5 may have been
// built without thread safety, so every call runs under Hdf5Lock.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

namespace charrnn {

// Must be held during HDF5 calls, including those that close handles. Keeps HDF5 from printing errors itself.
class Hdf5Lock {
 public:
  Hdf5Lock();

 private:
  std::lock_guard<std::mutex> guard_;
};

// Throws Error with `what` and HDF5's own reason if `result` is negative; returns `result` otherwise.
hid_t hdf5_check(hid_t result, const std::string& what);

// Owns an identifier; `close` is its H5?close. Must be destroyed under an Hdf5Lock.
class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Hdf5Handle() = default;
  Hdf5Handle(hid_t id, Close close, const std::string& what) : id_(hdf5_check(id, what)), close_(close) {}
  ~Hdf5Handle() { reset(); }
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }

  operator hid_t() const { return id_; }
  // Closes now; false if HDF5 failed to, which for a file means that it is incomplete on disk.
  bool reset() { return id_ < 0 || close_(std::exchange(id_, -1)) >= 0; }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

// Access to files without flock, which network file systems may lack.
Hdf5Handle file_access_without_locks();

}  // namespace charrnn
