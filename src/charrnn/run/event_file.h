// Records of a TensorBoard event file: scalars by tag and step, in the TFRecord framing
// (tensorboard/compat/proto/event.proto; length and data each followed by a masked CRC-32C).
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace charrnn {

// Seconds since 1970, the time format of TensorBoard.
double wall_time();

// The first records of every file. In a file that follows another they make readers discard the records from
// `first_step` on, because the run writes those steps again.
std::string event_file_start(double wall_time, int64_t first_step);

// Scalars of one step; wall_time in seconds since 1970.
std::string event_record(double wall_time, int64_t step, const std::map<std::string, double>& scalars);

}  // namespace charrnn
