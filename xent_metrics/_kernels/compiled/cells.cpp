// Means and scatter of measures in numbered cells, in two passes over the rows.
#include <cstdlib>

#include "job.hpp"

namespace {

double ratio(double sum, double weight) { return weight > 0.0 ? sum / weight : 0.0; }

int64_t cell_of(const xent::Cells &job, int64_t row) {
  const int64_t own = job.codes ? job.codes[row] : 0;
  return job.groups ? job.groups[row] * job.n_codes + own : own;
}

}  // namespace

extern "C" bool xent_cells(xent::Cells *job) {
  const int64_t m = job->n_measures, cells = job->n_cells, wide = 3 + 2 * m;
  // The sums of a cell lie together: rows come in any order, and their memory is far.
  double *sums = static_cast<double *>(calloc(cells * wide, sizeof(double)));
  if (!sums) return false;
  const double *w = job->weights;
  for (int64_t row = 0; row < job->n; row++) {
    double *own = sums + cell_of(*job, row) * wide;
    const double weight = w ? w[row] : 1.0, square = weight * weight;
    own[0] += 1.0;
    if (w) own[1] += weight, own[2] += square;
    for (int64_t k = 0; k < m; k++) {
      const double v = job->values[k][row];
      own[3 + k] += w ? v * weight : v;
      if (w) own[3 + m + k] += v * square;
    }
  }
  for (int64_t c = 0; c < cells; c++) {
    double *own = sums + c * wide;
    job->count[c] = own[0];
    job->weight[c] = w ? own[1] : own[0];
    job->weight2[c] = w ? own[2] : own[0];
    for (int64_t k = 0; k < m; k++) {
      job->mean[k * cells + c] = ratio(own[3 + k], job->weight[c]);
      const double mean2 = w ? ratio(own[3 + m + k], own[2]) : job->mean[k * cells + c];
      job->mean2[k * cells + c] = own[3 + k] = mean2;
      own[3 + m + k] = 0.0;
    }
  }
  for (int64_t row = 0; row < job->n; row++) {
    double *own = sums + cell_of(*job, row) * wide;
    const double square = w ? w[row] * w[row] : 1.0;
    for (int64_t k = 0; k < m; k++) {
      const double away = job->values[k][row] - own[3 + k];
      own[3 + m + k] += w ? away * away * square : away * away;
    }
  }
  for (int64_t c = 0; c < cells; c++)
    for (int64_t k = 0; k < m; k++) job->scatter[k * cells + c] = sums[c * wide + 3 + m + k];
  free(sums);
  return true;
}
