// The safetensors file format (https://huggingface.co/docs/safetensors): eight bytes of header length, a JSON
// header that names every tensor, then the numbers. Written atomically; read as a hostile file. The metadata
// field `digest` is a hash over the header without that field and over all numbers.
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
  bool is_edited = false;  // read: another program wrote it, with other contents
};

// Nothing is known of the contents: permissions, the network or the disk keep the file from being opened.
class UnreadableError : public Error {
 public:
  using Error::Error;
};

void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& contents);

// Throws Error where the file is cut short, damaged, or no safetensors file. A file that another program
// wrote, such as Python's safetensors, is known by the layout of its header; there a digest that does not fit
// means that somebody changed the contents on purpose. All its numbers must be finite.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

// Only the metadata, unchecked: for a look at what a file is. Throws Error if it has none.
std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path);

}  // namespace charrnn
