// oneMKL before 2025.0, which LibTorch contains, detects the processor at the first call of its vector maths
// and stores the answer in a variable without a lock: first a raw number, then the final one. A second thread
// that calls in between reads the raw number, and takes a kernel of low accuracy (pytorch/pytorch issue
// 188792).
#pragma once

namespace charrnn {

// Makes that first call, on one thread. CharRnn's constructor and the loss call it, so that it is made before
// several threads compute with a model. Does nothing the second time; safe in any thread.
void initialize_vector_math();

}  // namespace charrnn
