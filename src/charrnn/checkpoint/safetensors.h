// The safetensors file format (https://huggingface.co/docs/safetensors): eight bytes of header length, a JSON
// header that lists all tensors, then the numbers. Files are written atomically, and checked completely when
// read. The metadata field `digest` is a hash of the header without that field and of all numbers.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "charrnn/core/error.h"

namespace charrnn {

struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  std::map<std::string, at::Tensor>
      tensors;             // on the CPU, of float, double, half, bfloat16, int64 or uint8 elements
  bool is_edited = false;  // set by reading: another program wrote the file, with other contents
};

// The file could not be opened because of permissions, the network or the disk; its contents may be
// undamaged.
class UnreadableError : public Error {
 public:
  using Error::Error;
};

void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& contents);

// Throws Error if the file is truncated, damaged, or not a safetensors file. A file that another program
// wrote, such as Python's safetensors, is recognised by the layout of its header; in such a file a wrong
// digest means that the contents were changed on purpose. All its numbers must be finite.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

// Only the metadata, unchecked, to find out what a file is. Throws Error if it has no metadata.
std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path);

}  // namespace charrnn
