// Works around a race in oneMKL before 2025.0, which is part of LibTorch: the first call of its vector maths
// detects the processor and stores the result in a variable without a lock, first a raw number, then the
// final one. A second thread that calls it in between reads the raw number and uses a kernel of low accuracy
// (pytorch/pytorch issue 188792).
#pragma once

namespace charrnn {

// Makes that first call on one thread. CharRnn's constructor and the loss call it, that is, before several
// threads compute with a model. Does nothing the second time. Thread-safe.
void initialize_vector_math();

}  // namespace charrnn
