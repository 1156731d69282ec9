#include "charrnn/data/hdf5_handle.h"

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

herr_t keep_description(unsigned, const H5E_error2_t* entry, void* text) {
  auto& reason = *static_cast<std::string*>(text);
  if (entry->desc != nullptr && *entry->desc != '\0') reason = entry->desc;
  return 0;
}

// The innermost entry of HDF5's error stack, which has the cause.
std::string hdf5_reason() {
  std::string reason = "no reason given";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_description, &reason);
  return reason;
}

}  // namespace

Hdf5Lock::Hdf5Lock() : guard_(library_mutex()) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // each thread has its own error stack
}

hid_t hdf5_check(hid_t result, const std::string& what) {
  if (result < 0) fail(what, " (HDF5: ", hdf5_reason(), ")");
  return result;
}

Hdf5Handle file_access_without_locks() {
  Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "HDF5 cannot create a file access list");
  hdf5_check(H5Pset_file_locking(access, false, true), "HDF5 cannot switch file locking off");
  return access;
}

}  // namespace charrnn
