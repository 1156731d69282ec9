// oneMKL before 2025.0, which LibTorch brings, finds out the processor at the first call of its vector maths
// and keeps the answer in a variable without a lock: first a raw number, then the final one. A second thread
// that calls in between takes the raw number, and with it a kernel of low accuracy (pytorch/pytorch issue
// 188792).
#pragma once

namespace charrnn {

// Makes that first call, on one thread. CharRnn's constructor and the loss call it, so that whoever computes
// with a model has made it before several threads do. Does nothing the second time; safe in any thread.
void initialize_vector_math();

}  // namespace charrnn
