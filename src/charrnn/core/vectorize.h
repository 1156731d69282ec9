// CHARRNN_VECTORIZED before a function with a plain loop compiles it for AVX-512, AVX2 and any x86-64; the
// best version for the CPU is chosen when the program starts. (With sanitizers, which run before that choice
// can be made, there is only the plain version.)
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__SANITIZE_ADDRESS__)
#define CHARRNN_VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CHARRNN_VECTORIZED
#endif
