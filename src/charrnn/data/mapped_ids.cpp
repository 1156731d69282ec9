#include "charrnn/data/mapped_ids.h"

#include "charrnn/core/error.h"
#include "charrnn/data/hdf5_handle.h"

namespace charrnn {

std::optional<uint64_t> offset_of_ids(const std::filesystem::path& shard, ShardRow row) {
  const Hdf5Lock lock;
  const std::string what = concat("cannot find the ids in the shard ", shard.string());
  const Hdf5Handle no_locks = file_access_without_locks();
  const Hdf5Handle file(H5Fopen(shard.c_str(), H5F_ACC_RDONLY, no_locks), H5Fclose, what);
  const char* const name = row == ShardRow::kIds ? "ids" : "targets";
  const Hdf5Handle dataset(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, what);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose, what);
  for (const hid_t native : {H5T_NATIVE_UINT8, H5T_NATIVE_UINT16, H5T_NATIVE_UINT32}) {
    if (H5Tequal(type, native) <= 0) continue;
    const haddr_t offset = H5Dget_offset(dataset);  // HADDR_UNDEF unless they are in one piece
    return offset != HADDR_UNDEF ? std::optional<uint64_t>(offset) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace charrnn
