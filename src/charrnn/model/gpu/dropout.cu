// Dropout on a GPU: one pass forward, and the same pass over gradients backward. The mask is that of
// model/dropout.h, bit for bit. NVRTC compiles this source at run time; a test compiles it for the host, with
// its own definitions of the parts of CUDA that it uses.

__device__ inline unsigned int hash32(unsigned int x) {  // lowbias32
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ (x >> 16);
}

struct Bf16 {
  unsigned short bits;
};
struct Fp16 {
  unsigned short bits;
};

__device__ inline float to_float(float x) {
  return x;
}

__device__ inline float to_float(Bf16 x) {
  return __uint_as_float(static_cast<unsigned int>(x.bits) << 16);
}

__device__ inline void round_to(float x, float& result) {
  result = x;
}

// To the nearest, ties to even.
__device__ inline void round_to(float x, Bf16& result) {
  const unsigned int bits = __float_as_uint(x);
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  result.bits = is_nan ? static_cast<unsigned short>(0x7fc0)
                       : static_cast<unsigned short>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

#ifdef __CUDACC_RTC__
__device__ inline float to_float(Fp16 x) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(x.bits));
  return result;
}
__device__ inline void round_to(float x, Fp16& result) {
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(x));
}
#else
inline float to_float(Fp16 x) {
  _Float16 half;
  memcpy(&half, &x, sizeof half);
  return static_cast<float>(half);
}
inline void round_to(float x, Fp16& result) {
  const _Float16 half = static_cast<_Float16>(x);
  memcpy(&result, &half, sizeof half);
}
#endif

// Elements that one thread reads and writes together.
template <class T, int kWidth>
struct alignas(sizeof(T) * kWidth) Vector {
  T elements[kWidth];
};

// `rows` of `units`, in memory (B, T, H) or (T, B, H). A thread processes kWidth neighbouring units; `units`
// is a multiple of kWidth.
template <class T, int kWidth>
__device__ inline void drop(const T* input, T* output, unsigned int rows, unsigned int units,
                            unsigned int inner_rows, bool is_time_major, unsigned int first_lane,
                            unsigned int layer_key, unsigned int threshold, float scale) {
  const unsigned long long index = static_cast<unsigned long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  const unsigned int row_length = units / kWidth;
  const unsigned int row = static_cast<unsigned int>(index / row_length);
  if (row >= rows) return;
  const unsigned int first_unit = static_cast<unsigned int>(index % row_length) * kWidth;
  const unsigned int outer = row / inner_rows;
  const unsigned int inner = row % inner_rows;
  const unsigned int lane = first_lane + (is_time_major ? inner : outer);
  const unsigned int position = is_time_major ? outer : inner;
  const unsigned int row_key = hash32(hash32(layer_key ^ lane) ^ position);
  Vector<T, kWidth> vector = reinterpret_cast<const Vector<T, kWidth>*>(input)[index];
  for (int i = 0; i < kWidth; ++i) {
    const unsigned int hash = hash32(row_key + (first_unit + static_cast<unsigned int>(i)) * 0x9e3779b9u);
    round_to(hash < threshold ? 0.0f : to_float(vector.elements[i]) * scale, vector.elements[i]);
  }
  reinterpret_cast<Vector<T, kWidth>*>(output)[index] = vector;
}

#define CHARRNN_DROPOUT(name, T, width)                                                                    \
  extern "C" __global__ void name(const T* input, T* output, unsigned int rows, unsigned int units,        \
                                  unsigned int inner_rows, unsigned int is_time_major,                     \
                                  unsigned int first_lane, unsigned int layer_key, unsigned int threshold, \
                                  float scale) {                                                           \
    drop<T, width>(input, output, rows, units, inner_rows, is_time_major != 0, first_lane, layer_key,      \
                   threshold, scale);                                                                      \
  }

CHARRNN_DROPOUT(dropout_fp32_wide, float, 4)
CHARRNN_DROPOUT(dropout_fp32, float, 1)
CHARRNN_DROPOUT(dropout_bf16_wide, Bf16, 8)
CHARRNN_DROPOUT(dropout_bf16, Bf16, 1)
CHARRNN_DROPOUT(dropout_fp16_wide, Fp16, 8)
CHARRNN_DROPOUT(dropout_fp16, Fp16, 1)
