#include "charrnn/checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"
#include "charrnn/core/system_reason.h"

namespace charrnn {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors holds little-endian numbers");

constexpr uint64_t kLongestHeader = 100'000'000;        // bytes, by the format
constexpr uint64_t kLargestExtent = uint64_t{1} << 62;  // bytes
constexpr uint64_t kAlignment = 8;                      // of the numbers: the header is padded with blanks

struct TypeName {
  const char* name;
  at::ScalarType type;
};
constexpr std::array<TypeName, 6> kTypes{{{"F32", at::kFloat},
                                          {"F64", at::kDouble},
                                          {"F16", at::kHalf},
                                          {"BF16", at::kBFloat16},
                                          {"I64", at::kLong},
                                          {"U8", at::kByte}}};

const char* name_of(at::ScalarType type) {
  for (const TypeName& known : kTypes) {
    if (known.type == type) return known.name;
  }
  fail("a tensor of type ", at::toString(type), " cannot be saved");
}

std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

// What the digest covers: the header without the digest, then every number.
Hasher start_digest(json header) {
  header["__metadata__"].erase("digest");
  Hasher hasher;
  hasher.add(header.dump());
  return hasher;
}

// Whether write_safetensors wrote this header: without blanks except for the padding, and the fields of each
// entry in alphabetical order. Other programs use another order or blanks; damage changes neither.
bool is_own_writing(const std::string& header_text) {
  const auto header = nlohmann::ordered_json::parse(header_text);
  if (!header.is_object()) return false;
  for (const auto& [name, fields] : header.items()) {
    if (name == "__metadata__") continue;
    if (!fields.is_object() || fields.empty() || fields.begin().key() != "data_offsets") return false;
  }
  const size_t end = header_text.find_last_not_of(' ') + 1;
  return std::string_view(header_text).substr(0, end) == header.dump();
}

// The kind of a file by its first eight bytes, for files that people use by mistake in place of a checkpoint;
// else empty.
std::string other_kind(uint64_t first_bytes) {
  std::array<char, 8> first{};
  std::memcpy(first.data(), &first_bytes, first.size());
  const std::string_view begin(first.data(), first.size());
  if (begin.starts_with("PK\x03\x04")) return "a zip archive, such as a .pt file of PyTorch";
  if (begin.starts_with("\x89HDF")) return "an HDF5 file, such as a shard";
  if (begin.starts_with("\x1f\x8b")) return "compressed";
  const bool is_text = std::all_of(begin.begin(), begin.end(), [](unsigned char c) {
    return c == '\n' || c == '\t' || c == '\r' || (c >= ' ' && c < 0x7f);
  });
  return is_text ? "a text file" : "";
}

// A file of another program may hold numbers that training never produces.
void check_finite(const SafetensorsFile& contents) {
  for (const auto& [name, tensor] : contents.tensors) {
    check(!tensor.is_floating_point() || tensor.isfinite().all().item<bool>(),
          "another program wrote it, and its tensor ", name,
          " holds numbers that are not finite: correct them with that program");
  }
}

// One entry of the header, checked against the size of the data: [begin, end) within it, of the right length.
struct Entry {
  at::ScalarType type;
  std::vector<int64_t> sizes;
  uint64_t begin;
  uint64_t end;
};

Entry read_entry(const json& fields, uint64_t data_bytes) {
  check(fields.is_object() && fields.size() == 3,
        "an entry has other fields than dtype, shape and data_offsets");
  Entry entry{};
  const auto type = fields.at("dtype").get<std::string>();
  bool known = false;
  for (const TypeName& candidate : kTypes) {
    if (candidate.name == type) {
      entry.type = candidate.type;
      known = true;
    }
  }
  check(known, "elements of type ", type, " are not supported");
  check(fields.at("shape").is_array(), "a shape is not a list");
  uint64_t bytes = at::elementSize(entry.type);
  uint64_t extent = bytes;  // with sizes of 0 counted as 1: LibTorch's strides must not overflow either
  for (const json& size : fields.at("shape")) {
    check(size.is_number_unsigned(), "a shape is not made of whole numbers");
    const auto count = size.get<uint64_t>();
    entry.sizes.push_back(static_cast<int64_t>(count));
    bytes *= count;
    check(!__builtin_mul_overflow(extent, std::max<uint64_t>(count, 1), &extent) && extent <= kLargestExtent,
          "a shape is larger than memory");
  }
  const json& offsets = fields.at("data_offsets");
  check(offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned() &&
            offsets[1].is_number_unsigned(),
        "data_offsets are not two whole numbers");
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  check(entry.begin <= entry.end && entry.end <= data_bytes, "data_offsets ", entry.begin, " to ", entry.end,
        " are outside of the ", data_bytes, " bytes of data");
  check(entry.end - entry.begin == bytes, "shape and data_offsets do not agree");
  return entry;
}

struct Header {
  json fields;
  uint64_t bytes = 0;   // with its length before it
  bool is_own = false;  // charrnn wrote it
};

Header read_header(std::ifstream& in, uint64_t file_bytes) {
  uint64_t header_bytes = 0;
  check(file_bytes >= sizeof(header_bytes), "it has ", file_bytes, " bytes, too few for a header");
  in.read(reinterpret_cast<char*>(&header_bytes), sizeof(header_bytes));
  const std::string other = other_kind(header_bytes);
  check(other.empty(), "it is ", other,
        ", expected a checkpoint of charrnn (checkpoints/step-*.safetensors of a run)");
  check(header_bytes >= 2 && header_bytes <= kLongestHeader &&
            header_bytes <= file_bytes - sizeof(header_bytes),
        "its header of ", header_bytes, " bytes does not fit in its ", file_bytes, " bytes");
  std::string header_text(header_bytes, '\0');
  in.read(header_text.data(), static_cast<std::streamsize>(header_bytes));
  // The JSON parser would take a zero byte as the end.
  check(in.good() && header_text[0] == '{' && header_text.find('\0') == std::string::npos,
        "its header is not JSON");
  return {json::parse(header_text), sizeof(header_bytes) + header_bytes, is_own_writing(header_text)};
}

SafetensorsFile read_checked(std::ifstream& in, uint64_t file_bytes) {
  const Header read = read_header(in, file_bytes);
  const json& header = read.fields;
  const uint64_t data_bytes = file_bytes - read.bytes;

  SafetensorsFile contents;
  std::map<uint64_t, std::string> order;  // begin of data -> name: no holes, no overlaps
  std::map<std::string, Entry> entries;
  for (const auto& [name, fields] : header.items()) {
    if (name == "__metadata__") {
      contents.metadata = fields.get<std::map<std::string, std::string>>();
      continue;
    }
    entries.emplace(name, read_entry(fields, data_bytes));
    if (entries.at(name).end > entries.at(name).begin) {
      check(order.emplace(entries.at(name).begin, name).second, "the tensor ", name, " overlaps another");
    } else {
      contents.tensors[name] = at::empty(entries.at(name).sizes, entries.at(name).type);
    }
  }
  check(!read.is_own || contents.metadata.contains("digest"),
        "it has no digest, so it was not written by charrnn");
  check(!contents.metadata.empty(),
        "it has no metadata, so the model's shape and vocabulary are unknown: save it with those of "
        "the checkpoint that it was made from (in Python, save_file(tensors, file, metadata=...))");

  Hasher digest = start_digest(header);
  uint64_t expected = 0;
  for (const auto& [begin, name] : order) {
    check(begin == expected, "the tensor ", name, " begins at byte ", begin, ", expected ", expected);
    const Entry& entry = entries.at(name);
    expected = entry.end;
    at::Tensor tensor = at::empty(entry.sizes, entry.type);
    in.read(static_cast<char*>(tensor.mutable_data_ptr()), static_cast<std::streamsize>(tensor.nbytes()));
    check(in.good(), "it ends inside the tensor ", name);
    digest.add(bytes_of(tensor));
    contents.tensors[name] = tensor;
  }
  check(expected == data_bytes, data_bytes - expected, " bytes at its end belong to no tensor");
  if (contents.metadata["digest"] == digest.hex()) return contents;
  check(!read.is_own, "its digest is ", digest.hex(), ", expected ", contents.metadata["digest"],
        ": its contents have changed");
  check_finite(contents);
  contents.is_edited = true;
  return contents;
}

// The result of `how` for the file; adds the path to its errors.
template <class How>
auto read(const std::filesystem::path& path, const How& how) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in.good() || std::filesystem::is_directory(path)) {
    const std::string reason = system_reason(in.good() ? EISDIR : errno);
    throw UnreadableError(concat(path, " cannot be read: ", reason, ", expected a safetensors file"));
  }
  try {
    return how(in, std::filesystem::file_size(path));
  } catch (const json::exception& problem) {
    fail(path, " is damaged or not a safetensors file: its header does not have the required form: ",
         problem.what());
  } catch (const Error& problem) {
    fail(path, " is damaged or not a safetensors file: ", problem.what());
  }
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& contents) {
  json header;
  header["__metadata__"] = contents.metadata;
  uint64_t offset = 0;
  std::vector<at::Tensor> dense;
  for (const auto& [name, tensor] : contents.tensors) {
    dense.push_back(tensor.detach().cpu().contiguous());
    const uint64_t end = offset + dense.back().nbytes();
    header[name] = {{"dtype", name_of(tensor.scalar_type())},
                    {"shape", std::vector<int64_t>(tensor.sizes().begin(), tensor.sizes().end())},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  Hasher digest = start_digest(header);
  for (const at::Tensor& tensor : dense) digest.add(bytes_of(tensor));
  header["__metadata__"]["digest"] = digest.hex();

  std::string header_text = header.dump();
  header_text.resize((header_text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  const uint64_t header_bytes = header_text.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(header_text);
  for (const at::Tensor& tensor : dense) file.write(bytes_of(tensor));
  file.commit();
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  return read(path, read_checked);
}

std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path) {
  return read(path, [](std::ifstream& in, uint64_t file_bytes) {
    return read_header(in, file_bytes).fields.at("__metadata__").get<std::map<std::string, std::string>>();
  });
}

}  // namespace charrnn
