// The version of charrnn, written to checkpoints, manifests and reports.
#pragma once

namespace charrnn {

const char* version();  // "0.1.0"
const char* commit();   // of the sources it was built from, or "unknown"

}  // namespace charrnn
