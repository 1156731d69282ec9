#include "charrnn/run/event_file.h"

#include <boost/crc.hpp>
#include <chrono>
#include <cstring>
#include <protozero/pbf_writer.hpp>

namespace charrnn {
namespace {

// Field numbers of event.proto and summary.proto.
enum Event : protozero::pbf_tag_type {
  kWallTime = 1,
  kStep = 2,
  kFileVersion = 3,
  kSummary = 5,
  kSessionLog = 7
};
enum SessionLog : protozero::pbf_tag_type { kStatus = 1 };
constexpr int32_t kStart = 1;  // SessionLog.SessionStatus
enum Summary : protozero::pbf_tag_type { kValue = 1 };
enum Value : protozero::pbf_tag_type { kTag = 1, kSimpleValue = 2 };

template <class Number>
std::string bytes_of(Number number) {
  std::string bytes(sizeof(number), '\0');
  std::memcpy(bytes.data(), &number, sizeof(number));
  return bytes;
}

// CRC-32C (Castagnoli), rotated and offset, because the CRC of data that contains plain CRCs is weak.
std::string masked_crc(const std::string& bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const uint32_t value = crc.checksum();
  return bytes_of(static_cast<uint32_t>(((value >> 15) | (value << 17)) + 0xa282ead8U));
}

std::string framed(const std::string& data) {
  const std::string length = bytes_of(static_cast<uint64_t>(data.size()));
  return length + masked_crc(length) + data + masked_crc(data);
}

}  // namespace

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string event_file_start(double wall_time, int64_t first_step) {
  std::string version;
  protozero::pbf_writer first(version);
  first.add_double(kWallTime, wall_time);
  first.add_string(kFileVersion, "brain.Event:2");

  std::string start;
  protozero::pbf_writer second(start);
  second.add_double(kWallTime, wall_time);
  second.add_int64(kStep, first_step);
  protozero::pbf_writer session(second, kSessionLog);
  session.add_enum(kStatus, kStart);
  session.commit();
  return framed(version) + framed(start);
}

std::string event_record(double wall_time, int64_t step, const std::map<std::string, double>& scalars) {
  std::string data;
  protozero::pbf_writer event(data);
  event.add_double(kWallTime, wall_time);
  event.add_int64(kStep, step);
  protozero::pbf_writer summary(event, kSummary);
  for (const auto& [tag, number] : scalars) {
    protozero::pbf_writer value(summary, kValue);
    value.add_string(kTag, tag);
    value.add_float(kSimpleValue, static_cast<float>(number));
  }
  summary.commit();
  return framed(data);
}

}  // namespace charrnn
