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
  bool adds = false;               // costs of labels are added up, but for odd rows
  uint8_t *odd = nullptr;          // set for rows that are left to numpy

  int64_t n_odd = 0, at_zero = 0;  // found
  double sum = 0.0;
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

// A table of numbers z, of which those of one class lie together: c is to be their
// softmax over the classes, `log_sum` the logarithm of what that divides by.
struct Softmax {
  const double *z;
  double *c, *log_sum;
  int64_t classes, rows;
};

// The terms of a cubic spline at x, of each class and row: 1, two lines, and cubes that
// start at the knots, which lie `by_term` apart.
struct Cubes {
  const double *x;
  int64_t classes, rows;
  double first, width;   // the first knot, and how far the last is from it
  const double *starts;  // of the cubes, from 0 to 1
  int64_t n_starts;
  double *terms;
  int64_t by_class, by_term;
};

// Predictions of several members of an ensemble: those of one class and member lie
// together, and `by_class` and `by_member` say how far on the next ones are.
struct Members {
  const double *q;
  int64_t classes, members, rows, by_class, by_member;
  const double *weights;  // of the members
  const int64_t *codes;   // labels, or
  const double *target;   // distributions,
  int64_t of_target;      // whose classes are so far apart
  double floor;           // the least probability that is measured here
  // Of each row: ROW_TERMS in ensemble_block.py is the order.
  double *out[8];
  double *costs, *entropies;  // of each member and row
  double *log_ratio;          // of members to their mean: of each class, member and row
  uint8_t *odd;               // set for rows that are left to numpy
  int64_t n_odd;              // found
};

// What there is for each instruction set; a pass is false where there was no memory.
struct Kernels {
  bool (*pass)(Job *);
  double (*total)(const double *values, int64_t n);
  void (*softmax)(const Softmax *);
  void (*logarithms)(const double *from, double *to, int64_t n);
  void (*cubes)(const Cubes *);
  void (*members)(Members *);
};

}  // namespace xent

#define XENT_KERNELS(level)                                              \
  bool xent_pass_##level(xent::Job *);                                   \
  double xent_total_##level(const double *, int64_t);                    \
  void xent_softmax_##level(const xent::Softmax *);                      \
  void xent_logarithms_##level(const double *, double *, int64_t);       \
  void xent_cubes_##level(const xent::Cubes *);                           \
  void xent_members_##level(xent::Members *);

extern "C" {
XENT_KERNELS(baseline)
XENT_KERNELS(v3)
XENT_KERNELS(v4)
bool xent_cells(xent::Cells *);
}

// The name of a function for the instruction set that is compiled for.
#define XENT_NAMED_(function, level) xent_##function##_##level
#define XENT_NAMED__(function, level) XENT_NAMED_(function, level)
#define XENT_NAMED(function) XENT_NAMED__(function, XENT_LEVEL)
