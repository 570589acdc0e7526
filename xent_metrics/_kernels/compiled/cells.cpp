// Means and scatter of measures in numbered cells, in two passes over the rows.
#include <cstdlib>

#include "job.hpp"

namespace {

double ratio(double sum, double weight) { return weight > 0.0 ? sum / weight : 0.0; }

// What a cell holds: its rows, then, of each measure, a sum (later the mean) and the
// scatter. Rows with weights have three more: sums of weights, their squares, and v w^2.
template <int64_t M, bool WEIGHTED>
struct Sums {
  double n, weight, weight2;
  double of[M], scatter[M];
};

template <int64_t M>
struct Sums<M, false> {
  double n;
  double of[M], scatter[M];
};

template <int64_t M, bool WEIGHTED>
bool fill(xent::Cells &job) {
  // The sums of a cell lie together: rows come in any order, and their memory is far.
  using Cell = Sums<M, WEIGHTED>;
  const int64_t cells = job.n_cells, n = job.n, *codes = job.codes;
  Cell *sums = static_cast<Cell *>(calloc(cells, sizeof(Cell)));
  if (!sums) return false;
  const double *w = job.weights, *values[M];
  for (int64_t k = 0; k < M; k++) values[k] = job.values[k];
  for (int64_t row = 0; row < n; row++) {
    if (uint64_t(codes[row]) >= uint64_t(cells)) {
      job.outside = true;
      break;
    }
    Cell &own = sums[codes[row]];
    own.n += 1.0;
    if constexpr (WEIGHTED) {
      const double weight = w[row], square = weight * weight;
      own.weight += weight, own.weight2 += square;
      for (int64_t k = 0; k < M; k++) {
        const double v = values[k][row];
        own.of[k] += v * weight, own.scatter[k] += v * square;
      }
    } else {
      for (int64_t k = 0; k < M; k++) own.of[k] += values[k][row];
    }
  }
  for (int64_t c = 0; c < cells; c++) {
    Cell &own = sums[c];
    double weight = own.n, weight2 = own.n;
    if constexpr (WEIGHTED) weight = own.weight, weight2 = own.weight2;
    job.count[c] = own.n;
    job.weight[c] = weight;
    job.weight2[c] = weight2;
    for (int64_t k = 0; k < M; k++) {
      const double mean = ratio(own.of[k], weight);
      const double mean2 = WEIGHTED ? ratio(own.scatter[k], weight2) : mean;
      job.mean[k * cells + c] = mean;
      job.mean2[k * cells + c] = own.of[k] = mean2;
      own.scatter[k] = 0.0;
    }
  }
  for (int64_t row = 0; row < n && !job.outside; row++) {
    Cell &own = sums[codes[row]];
    const double square = WEIGHTED ? w[row] * w[row] : 1.0;
    for (int64_t k = 0; k < M; k++) {
      const double away = values[k][row] - own.of[k];
      own.scatter[k] += WEIGHTED ? away * away * square : away * away;
    }
  }
  for (int64_t c = 0; c < cells; c++)
    for (int64_t k = 0; k < M; k++) job.scatter[k * cells + c] = sums[c].scatter[k];
  free(sums);
  return true;
}

template <int64_t M>
bool of_measures(xent::Cells &job) {
  if constexpr (M == 0) {
    return false;
  } else {
    if (job.n_measures < M) return of_measures<M - 1>(job);
    return job.weights ? fill<M, true>(job) : fill<M, false>(job);
  }
}

}  // namespace

extern "C" bool xent_cells(xent::Cells *job) { return of_measures<8>(*job); }
