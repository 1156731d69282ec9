// The cells of recurrent_kernels.h, and a time step of a layer of them. After kernel_products.h, in the same
// anonymous namespace.

// exp with a relative error of 2e-7: 2^n times a polynomial of the rest (Cephes, S. Moshier).
inline Vector exponential(Vector x) {
  const Vector low = Vector{} - 87.0F;
  const Vector high = Vector{} + 88.0F;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const float round = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const Vector shifted = x * 1.44269504F + round;
  const Vector n = shifted - round;
  const Vector r = x - n * 0.693359375F - n * -2.12194440e-4F;
  Vector p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  const Bits power = (reinterpret_cast<Bits>(shifted) << 23) + (127 << 23);
  return p * reinterpret_cast<Vector>(power);
}

inline Vector sigmoid(Vector x) {
  return 1.0F / (exponential(-x) + 1.0F);
}

// A rational function with an error of some 1e-7 times tanh (Eigen's generic_fast_tanh_float).
inline Vector tanh(Vector x) {
  const Vector limit = Vector{} + 7.90531110763549805F;
  x = x > limit ? limit : x;
  x = x < -limit ? -limit : x;
  const Vector s = x * x;
  Vector p = s * -2.76076847742355e-16F + 2.00018790482477e-13F;
  p = p * s - 8.60467152213735e-11F;
  p = p * s + 5.12229709037114e-08F;
  p = p * s + 1.48572235717979e-05F;
  p = p * s + 6.37261928875436e-04F;
  p = p * s + 4.89352455891786e-03F;
  Vector q = s * 1.19825839466702e-06F + 1.18534705686654e-04F;
  q = q * s + 2.26843463243900e-03F;
  q = q * s + 4.89352518554385e-03F;
  return x * p / q;
}

// Cells, one vector of units at a time. `sums` are the recurrent sums of the cell's gates, `stride` apart;
// `at` is the place in (B, H), `saved` and `own` that in the arrays of S gates, which are H apart.

// Hochreiter and Schmidhuber 1997 with forget gates (Gers et al. 2000):
// c' = f c + i g, h' = o tanh(c').
struct Lstm {
  static constexpr int64_t kGates = 4;
  static constexpr int64_t kSaved = 4;
  static constexpr int64_t kSums = 4;
  static constexpr int64_t kBlockUnits = 16;

  static void forward(const ForwardStep& step, const float* sums, int64_t stride, const float* inputs,
                      float* saved, int64_t at, int64_t /*unit*/) {
    const int64_t hidden = step.hidden;
    const Vector i = sigmoid(load(sums) + load(inputs));
    const Vector f = sigmoid(load(sums + stride) + load(inputs + hidden));
    const Vector g = tanh(load(sums + 2 * stride) + load(inputs + 2 * hidden));
    const Vector o = sigmoid(load(sums + 3 * stride) + load(inputs + 3 * hidden));
    const Vector c = f * load(step.c + at) + i * g;
    store(saved, i);
    store(saved + hidden, f);
    store(saved + 2 * hidden, g);
    store(saved + 3 * hidden, o);
    store(step.next_c + at, c);
    store(step.next_h + at, o * tanh(c));
  }

  static void backward(const BackwardStep& step, Vector grad_h, float* own, int64_t at) {
    const int64_t hidden = step.hidden;
    const Vector i = load(own);
    const Vector f = load(own + hidden);
    const Vector g = load(own + 2 * hidden);
    const Vector o = load(own + 3 * hidden);
    const Vector tanh_c = tanh(load(step.next_c + at));
    const Vector grad_c = load(step.carry + at) + grad_h * o * (1.0F - tanh_c * tanh_c);
    store(step.carry + at, grad_c * f);
    store(own, grad_c * g * i * (1.0F - i));
    store(own + hidden, grad_c * load(step.c + at) * f * (1.0F - f));
    store(own + 2 * hidden, grad_c * i * (1.0F - g * g));
    store(own + 3 * hidden, grad_h * tanh_c * o * (1.0F - o));
  }
};

// Cho et al. 2014 with the reset gate after the product, as cuDNN and PyTorch have it:
// n = tanh(W_in x + b_in + r q), h' = (1 - z) n + z h.
struct Gru {
  static constexpr int64_t kGates = 3;
  static constexpr int64_t kSaved = 4;
  static constexpr int64_t kSums = 4;
  static constexpr int64_t kBlockUnits = 16;

  static void forward(const ForwardStep& step, const float* sums, int64_t stride, const float* inputs,
                      float* saved, int64_t at, int64_t unit) {
    const int64_t hidden = step.hidden;
    const Vector r = sigmoid(load(sums) + load(inputs));
    const Vector z = sigmoid(load(sums + stride) + load(inputs + hidden));
    const Vector q = load(sums + 2 * stride) + load(step.bias + unit);
    const Vector n = tanh(load(inputs + 2 * hidden) + r * q);
    store(saved, q);
    store(saved + hidden, r);
    store(saved + 2 * hidden, z);
    store(saved + 3 * hidden, n);
    store(step.next_h + at, n + z * (load(step.h + at) - n));
  }

  static void backward(const BackwardStep& step, Vector grad_h, float* own, int64_t at) {
    const int64_t hidden = step.hidden;
    const Vector q = load(own);
    const Vector r = load(own + hidden);
    const Vector z = load(own + 2 * hidden);
    const Vector n = load(own + 3 * hidden);
    grad_h += load(step.carry + at);
    const Vector grad_n = grad_h * (1.0F - z) * (1.0F - n * n);
    store(step.carry + at, grad_h * z);
    store(own, grad_n * r);
    store(own + hidden, grad_n * q * r * (1.0F - r));
    store(own + 2 * hidden, grad_h * (load(step.h + at) - n) * z * (1.0F - z));
    store(own + 3 * hidden, grad_n);
  }
};

// Elman 1990: h' = tanh(W_ih x + W_hh h + biases), or the larger of that sum and 0.
template <bool kIsTanh>
struct Rnn {
  static constexpr int64_t kGates = 1;
  static constexpr int64_t kSaved = 0;
  static constexpr int64_t kSums = 1;
  static constexpr int64_t kBlockUnits = kBlockColumns;

  static void forward(const ForwardStep& step, const float* sums, int64_t /*stride*/, const float* inputs,
                      float* /*saved*/, int64_t at, int64_t /*unit*/) {
    const Vector sum = load(sums) + load(inputs);
    // Not a number stays none.
    store(step.next_h + at, kIsTanh ? tanh(sum) : sum < Vector{} ? Vector{} : sum);
  }

  static void backward(const BackwardStep& step, Vector grad_h, float* own, int64_t at) {
    const Vector h = load(step.next_h + at);
    store(own, kIsTanh ? grad_h * (1.0F - h * h) : h > Vector{} ? grad_h : Vector{});
  }
};

template <class Cell>
void forward_step(const ForwardStep& step, const StepShare& share) {
  alignas(64) float sums[kMostRows * kBlockColumns];
  const int64_t hidden = step.hidden;
  for_pieces(share, Cell::kBlockUnits, hidden, step.weights, Cell::kGates * hidden,
             [&](int64_t lane, int64_t lanes, int64_t unit, int64_t units, const float* block) {
               const int64_t columns = Cell::kGates * units;
               multiply_block(lanes, columns, step.h + lane * hidden, hidden, block, hidden, sums);
               for (int64_t row = 0; row < lanes; ++row) {
                 const int64_t at = (lane + row) * hidden + unit;
                 const int64_t source = step.ids != nullptr ? step.ids[lane + row] : lane + row;
                 const float* inputs = step.inputs + source * Cell::kGates * hidden + unit;
                 float* saved = step.saved + (lane + row) * Cell::kSaved * hidden + unit;
                 for (int64_t u = 0; u < units; u += kWidth) {
                   Cell::forward(step, sums + row * columns + u, units, inputs + u, saved + u, at + u,
                                 unit + u);
                 }
               }
             });
}

// Gradients of h that come from step t + 1 through the recurrent weights, then what the cell makes of them.
template <class Cell>
void backward_step(const BackwardStep& step, const StepShare& share) {
  alignas(64) float sums[kMostRows * kBlockColumns];
  const int64_t hidden = step.hidden;
  for_pieces(share, kBlockColumns, hidden, step.weights, step.depth,
             [&](int64_t lane, int64_t lanes, int64_t unit, int64_t units, const float* block) {
               if (step.next_sums != nullptr) {
                 multiply_block(lanes, units, step.next_sums + lane * step.stride, step.stride, block,
                                step.depth, sums);
               }
               for (int64_t row = 0; row < lanes; ++row) {
                 const int64_t at = (lane + row) * hidden + unit;
                 float* own = step.sums + (lane + row) * step.stride + unit;
                 for (int64_t u = 0; u < units; u += kWidth) {
                   Vector grad = step.next_sums != nullptr ? load(sums + row * units + u)
                                 : step.grad_h != nullptr  ? load(step.grad_h + at + u)
                                                           : Vector{};
                   if (step.grad_output != nullptr) grad += load(step.grad_output + at + u);
                   Cell::backward(step, grad, own + u, at + u);
                 }
               }
             });
}

template <class Cell>
constexpr CellKernels cell_kernels() {
  return {Cell::kGates,      Cell::kSaved,        Cell::kSums,
          Cell::kBlockUnits, &forward_step<Cell>, &backward_step<Cell>};
}

constexpr RecurrentKernels kernels(const char* name) {
  return {name,
          kPanelColumns,
          cell_kernels<Lstm>(),
          cell_kernels<Gru>(),
          cell_kernels<Rnn<true>>(),
          cell_kernels<Rnn<false>>(),
          &multiply_rows,
          &multiply_transposed};
}
