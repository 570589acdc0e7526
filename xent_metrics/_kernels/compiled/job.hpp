// What one call asks of a pass over rows: plain data, the same for every instruction set.
#pragma once
#include <cstdint>

namespace xent {

// Values of one class: that of a row stands at `at + row * by_row`, in bytes.
struct Column {
  const char *at;
  int64_t by_row;
  bool single;  // float32, read as doubles
};

// A table: as many columns as there are classes, or rows whose values lie together.
struct Source {
  Column first;
  const Column *columns = nullptr;  // null: those after the first lie `by_class` further on
  int64_t by_class = 0;
  bool proportions = false;  // divided by the sums of their rows, and else
  double tolerance = 0.0;    // how far from 1 the sum of a row may be
  Column column(int64_t k) const {
    if (columns) return columns[k];
    return {first.at + k * by_class, first.by_row, first.single};
  }
};

// The columns that a pass fills; the order is that of the names in compiled_pass.py.
enum Measure {
  CROSS_ENTROPY,
  ENTROPY,
  KL_DIVERGENCE,
  PREDICTIVE_ENTROPY,
  CONFIDENCE,
  PREDICTED,
  CORRECT,
  P_TRUE,
  REVERSE_KL_DIVERGENCE,
  JEFFREYS_DIVERGENCE,
  JENSEN_SHANNON_DIVERGENCE,
  N_MEASURES,
};

struct Job {
  Source predicted, target;        // the target is read where there are no codes
  const int64_t *codes = nullptr;  // labels, or
  bool soft = false;               // distributions; neither: predictions alone
  const uint8_t *active = nullptr; // rows that count, all where null
  int64_t start = 0, stop = 0, classes = 0;
  double clip = 0.0;
  double *out[N_MEASURES] = {};    // where row `start` goes; null: not asked for
  uint8_t *odd = nullptr;          // set for rows that are left to numpy

  int64_t n_odd = 0, at_zero = 0;  // found
};

// Rows in cells, which `codes` number.
struct Cells {
  const int64_t *codes = nullptr;
  int64_t n = 0, n_cells = 0, n_measures = 0;
  const double *weights = nullptr;   // null: 1
  const double *values[8] = {};
  double *count, *weight, *weight2;  // of each cell
  double *mean, *mean2, *scatter;    // of each measure and cell
  bool outside = false;              // found: a code that is no cell
};

// False where there was no memory for a block.
using Pass = bool (*)(Job *);

}  // namespace xent

extern "C" {
bool xent_pass_baseline(xent::Job *);
bool xent_pass_v3(xent::Job *);
bool xent_pass_v4(xent::Job *);
bool xent_cells(xent::Cells *);
}
