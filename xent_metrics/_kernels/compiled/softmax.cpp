// The softmax of each row, and logarithms, built once for each instruction set as in
// pass.cpp. Rows lie beside each other, and what one gives depends on it alone.
#include <cmath>

#include "job.hpp"
#include "vectors.hpp"

namespace {

constexpr int64_t ROWS = 512;  // at a time: their sums stay in the first-level cache

INLINE void softmax(const xent::Softmax &job, int64_t first, int64_t n) {
  double top[ROWS], sum[ROWS];
  const double *from = job.z + first;
  double *to = job.c + first;
  for (int64_t r = 0; r < n; r += W) store(top + r, Lanes{n - r}.from(from + r, 0.0));
  for (int64_t k = 1; k < job.classes; k++)
    for (int64_t r = 0; r < n; r += W) {
      const Doubles z = Lanes{n - r}.from(from + k * job.rows + r, 0.0);
      store(top + r, greatest(load(top + r), z));
    }
  for (int64_t r = 0; r < ROWS; r += W) store(sum + r, Doubles{});
  for (int64_t k = 0; k < job.classes; k++)
    for (int64_t r = 0; r < n; r += W) {
      const Lanes lanes{n - r};
      const Doubles below = lanes.from(from + k * job.rows + r, 0.0) - load(top + r);
      const Doubles c = exponential(below < -750.0 ? all(-750.0) : below).itself;
      lanes.to(to + k * job.rows + r, c);
      store(sum + r, load(sum + r) + c);
    }
  for (int64_t k = 0; k < job.classes; k++)
    for (int64_t r = 0; r < n; r += W) {
      const Lanes lanes{n - r};
      double *own = to + k * job.rows + r;
      lanes.to(own, lanes.from(own, 0.0) / load(sum + r));
    }
  for (int64_t r = 0; r < n; r += W) {
    const Doubles total = load(sum + r);
    const Doubles log_total = total == total ? logarithm(total) : total;  // NaN stays
    Lanes{n - r}.to(job.log_sum + first + r, log_total + load(top + r));
  }
}

}  // namespace

extern "C" void XENT_NAMED(softmax)(const xent::Softmax *job) {
  for (int64_t first = 0; first < job->rows; first += ROWS)
    softmax(*job, first, first + ROWS < job->rows ? ROWS : job->rows - first);
}

extern "C" void XENT_NAMED(logarithms)(const double *from, double *to, int64_t n) {
  for (int64_t i = 0; i < n; i += W) {
    const Lanes lanes{n - i};
    const Doubles x = lanes.from(from + i, 1.0);
    const Mask ordinary = (x >= 0x1p-1022) & (x < INFINITY);
    Doubles found = logarithm(x);
    if (any(~ordinary))
      for (int lane = 0; lane < W; lane++)
        if (!ordinary[lane]) found[lane] = log(x[lane]);
    lanes.to(to + i, found);
  }
}
