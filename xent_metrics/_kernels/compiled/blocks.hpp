// Blocks of rows, and sums over the classes of each row of a block.
//
// Rows of up to MOST_SHORT values are looked at class by class, W rows at a time; longer
// ones one after the other, W values at a time. What a row gives depends on it alone.
#pragma once
#include <cstdlib>

#include "job.hpp"
#include "vectors.hpp"

namespace {

using xent::Column;
using xent::Source;

constexpr int64_t MOST_SHORT = 64, ROWS = 64, LONG_ROWS = 8;
constexpr int LANES = 8;       // sums along a long row, whatever W is
constexpr int64_t RUN = 256;   // values of a long row that are added before their sum is

// How a pass is cut into blocks. K is the number of classes where code is made for it
// alone, LONG for long rows, and 0 for all others.
constexpr int LONG = -1;
template <int K> struct Shape {
  static constexpr bool is_long = K == LONG;
  static constexpr int64_t rows = is_long ? LONG_ROWS : ROWS;
  const int64_t given;
  INLINE int64_t classes() const { return K > 0 ? K : given; }
  INLINE int64_t padded() const {
    return is_long ? (given + LANES - 1) / LANES * LANES : classes();
  }
  INLINE int64_t values() const { return padded() * rows; }
};

// Values of some rows: at[c] holds those of class c of short rows, at[r] a long row.
struct Block {
  const double *at[MOST_SHORT];
  double *memory;
};

// The value at an address, which need not be aligned: users hand over such memory.
template <class T> INLINE T raw(const void *at) {
  T v;
  memcpy(&v, at, sizeof v);
  return v;
}
template <class T> INLINE double value(const char *at) { return raw<T>(at); }

INLINE double value_of(const Column &column, int64_t row) {
  const char *at = column.at + row * column.by_row;
  return column.single ? value<float>(at) : value<double>(at);
}

typedef double Four __attribute__((vector_size(32)));

template <class T> INLINE Four four(const char *at) {
  typedef T Given __attribute__((vector_size(4 * sizeof(T))));
  Given v;
  memcpy(&v, at, sizeof v);
  return __builtin_convertvector(v, Four);
}

INLINE Four low_halves(Four a, Four b) { return __builtin_shufflevector(a, b, 0, 1, 4, 5); }
INLINE Four high_halves(Four a, Four b) { return __builtin_shufflevector(a, b, 2, 3, 6, 7); }

// Four values of each of four rows, to four columns.
template <class T> INLINE void turn(const char *from, int64_t by_row, double *to) {
  const Four a = four<T>(from), b = four<T>(from + by_row), c = four<T>(from + 2 * by_row),
             d = four<T>(from + 3 * by_row);
  const Four ab0 = __builtin_shufflevector(a, b, 0, 4, 2, 6);
  const Four ab1 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
  const Four cd0 = __builtin_shufflevector(c, d, 0, 4, 2, 6);
  const Four cd1 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
  const Four columns[] = {low_halves(ab0, cd0), low_halves(ab1, cd1), high_halves(ab0, cd0),
                          high_halves(ab1, cd1)};
  for (int k = 0; k < 4; k++) memcpy(to + k * ROWS, &columns[k], sizeof columns[k]);
}

// Adds up short rows of at least four values where they lie; gives the least of them all.
template <class T, int K>
INLINE double add_up_in_place(const Source &from, const Shape<K> &shape, int64_t first, double *out) {
  const int64_t classes = shape.classes(), tail = classes % 4;
  typedef int64_t Lanes __attribute__((vector_size(32)));
  const Lanes in_tail = {tail > 3, tail > 2, tail > 1, tail > 0};
  const Lanes keep = -in_tail;
  Four low = {};
  for (int64_t r = 0; r < ROWS; r += 4) {
    Four row[4];
    for (int i = 0; i < 4; i++) {
      const char *at = from.first.at + (first + r + i) * from.first.by_row;
      __builtin_prefetch(at + ROWS * from.first.by_row);
      Four sum = {};
      for (int64_t k = 0; k + 4 <= classes; k += 4) {
        const Four v = four<T>(at + k * sizeof(T));
        sum += v;
        low = v < low ? v : low;
      }
      if (tail) {  // the last four values, without those added before
        const Four v = four<T>(at + (classes - 4) * sizeof(T));
        sum += (Four)((Lanes)v & keep);
        low = v < low ? v : low;
      }
      row[i] = sum;
    }
    const Four ab = __builtin_shufflevector(row[0], row[1], 0, 4, 2, 6) +
                    __builtin_shufflevector(row[0], row[1], 1, 5, 3, 7);
    const Four cd = __builtin_shufflevector(row[2], row[3], 0, 4, 2, 6) +
                    __builtin_shufflevector(row[2], row[3], 1, 5, 3, 7);
    const Four sums = low_halves(ab, cd) + high_halves(ab, cd);
    memcpy(out + r, &sums, sizeof sums);
  }
  double found = 0.0;
  for (int i = 0; i < 4; i++) found = low[i] < found ? low[i] : found;
  return found;
}

// Whether the values of a row lie together.
INLINE bool lies_in_rows(const Source &from) {
  return !from.columns && from.by_class == (from.first.single ? 4 : 8);
}

template <class T, int K>
INLINE void turn_block(const Source &from, const Shape<K> &shape, int64_t first, Block &to) {
  const int64_t classes = shape.classes(), by_row = from.first.by_row;
  // A line of the cache, or where rows are parts of longer ones the start of the next.
  const int64_t step = by_row > MOST_SHORT * 8 ? by_row : 64;
  for (int64_t r = 0; r < ROWS; r += 4) {
    const char *at = from.first.at + (first + r) * by_row;
    for (int64_t i = 0; i < 4 * by_row; i += step) __builtin_prefetch(at + ROWS * by_row + i);
    int64_t k = 0;
    for (; k + 4 <= classes; k += 4) turn<T>(at + k * sizeof(T), by_row, to.memory + k * ROWS + r);
    if (k < classes)  // the last four, of which some were turned before
      turn<T>(at + (classes - 4) * sizeof(T), by_row, to.memory + (classes - 4) * ROWS + r);
  }
}

template <class T>
INLINE void copy_column(const char *at, int64_t by_row, int64_t n, double filler, double *to) {
  for (int64_t r = 0; r < n; r++) to[r] = value<T>(at + r * by_row);
  for (int64_t r = n; r < ROWS; r++) to[r] = filler;
}

template <int K>
INLINE void read_short(const Source &from, const Shape<K> &shape, int64_t first, int64_t n,
                       Block &to) {
  const int64_t classes = shape.classes();
  const bool turned = n == ROWS && classes >= 4 && lies_in_rows(from);
  if (turned && from.first.single) turn_block<float>(from, shape, first, to);
  if (turned && !from.first.single) turn_block<double>(from, shape, first, to);
  const double filler = 1.0 / double(classes);  // rows past the last are ordinary
  for (int64_t k = 0; k < classes; k++) {
    double *own = to.memory + k * ROWS;
    to.at[k] = own;
    if (turned) continue;
    const Column column = from.column(k);
    const char *at = column.at + first * column.by_row;
    if (column.single) copy_column<float>(at, column.by_row, n, filler, own);
    else if (column.by_row == 8 && n == ROWS) to.at[k] = (const double *)at;
    else copy_column<double>(at, column.by_row, n, filler, own);
  }
}

template <int K>
INLINE void read_long(const Source &from, const Shape<K> &shape, int64_t first, int64_t n,
                      Block &to) {
  const int64_t length = shape.padded(), classes = shape.classes();
  const bool together = lies_in_rows(from);
  const bool in_place = together && !from.first.single && length == classes;
  for (int64_t r = 0; r < n; r++) {
    const char *at = from.first.at + (first + r) * from.first.by_row;
    double *own = to.memory + r * length;
    to.at[r] = in_place ? (const double *)at : own;
    if (in_place) continue;
    for (int64_t k = classes; k < length; k++) own[k] = 0.0;
    if (!together) continue;
    if (from.first.single)
      for (int64_t k = 0; k < classes; k++) own[k] = value<float>(at + k * 4);
    else
      memcpy(own, at, classes * sizeof(double));
  }
  if (together) return;
  for (int64_t k = 0; k < classes; k++) {
    const Column column = from.column(k);
    for (int64_t r = 0; r < n; r++) to.memory[r * length + k] = value_of(column, first + r);
  }
}

// Rows first to first + n of a table: pointers to where they lie, or to a copy.
template <int K>
INLINE void read(const Source &from, const Shape<K> &shape, int64_t first, int64_t n, Block &to) {
  if constexpr (Shape<K>::is_long) read_long(from, shape, first, n, to);
  else read_short(from, shape, first, n, to);
}

// Two-level sums along a long row, in an order that W does not change.
struct Along {
  Doubles run[LANES / W] = {}, sum[LANES / W] = {};
  INLINE void end_run() {
    for (int i = 0; i < LANES / W; i++) {
      sum[i] += run[i];
      run[i] = Doubles{};
    }
  }
  INLINE double total() {
    end_run();
    double lanes[LANES];
    for (int i = 0; i < LANES / W; i++) store(lanes + i * W, sum[i]);
    for (int half = LANES / 2; half; half /= 2)
      for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
  }
};

// Asks for what comes a block of long rows later, so that it is near when it is read.
template <int K, class... Tables>
INLINE void fetch_next(const Shape<K> &shape, int64_t r, int64_t k, const Tables &...tables) {
  (__builtin_prefetch(tables.at[r] + k + LONG_ROWS * shape.padded()), ...);
}

constexpr bool FETCH_NEXT = true;  // of sums that take longer than reading

// out[r] = the sum over classes of term(value of each table). Of long rows, what pads
// the last lanes is 0 in every table, and its term must be 0.
template <bool fetch = false, int K, class Term, class... Tables>
INLINE void add_up(const Shape<K> &shape, int64_t n, double *out, Term term, const Tables &...tables) {
  if constexpr (Shape<K>::is_long) {
    const int64_t length = shape.padded();
    for (int64_t r = 0; r < n; r++) {
      Along along;
      for (int64_t from = 0; from < length; from += RUN) {
        const int64_t to = from + RUN < length ? from + RUN : length;
        for (int64_t k = from; k < to; k += LANES)
          for (int i = 0; i < LANES / W; i++) {
            if (fetch && !i) fetch_next(shape, r, k, tables...);
            along.run[i] += term(load(tables.at[r] + k + i * W)...);
          }
        along.end_run();
      }
      out[r] = along.total();
    }
  } else {
    for (int64_t r = 0; r < ROWS; r += 2 * W) {  // two sums, so that additions overlap
      Doubles sum = {}, next = {};
      for (int64_t k = 0; k < shape.classes(); k++) {
        sum += term(load(tables.at[k] + r)...);
        next += term(load(tables.at[k] + r + W)...);
      }
      store(out + r, sum);
      store(out + r + W, next);
    }
  }
}

// Two such sums in one go.
template <int K, class First, class Second, class... Tables>
INLINE void add_up_both(const Shape<K> &shape, int64_t n, double *first, double *second,
                        First one, Second other, const Tables &...tables) {
  if constexpr (Shape<K>::is_long) {
    const int64_t length = shape.padded();
    for (int64_t r = 0; r < n; r++) {
      Along of_first, of_second;
      for (int64_t from = 0; from < length; from += RUN) {
        const int64_t to = from + RUN < length ? from + RUN : length;
        for (int64_t k = from; k < to; k += LANES)
          for (int i = 0; i < LANES / W; i++) {
            if (!i) fetch_next(shape, r, k, tables...);
            of_first.run[i] += one(load(tables.at[r] + k + i * W)...);
            of_second.run[i] += other(load(tables.at[r] + k + i * W)...);
          }
        of_first.end_run();
        of_second.end_run();
      }
      first[r] = of_first.total();
      second[r] = of_second.total();
    }
  } else {
    for (int64_t r = 0; r < ROWS; r += 2 * W) {
      Doubles sum[2] = {}, its[2] = {};
      for (int64_t k = 0; k < shape.classes(); k++)
        for (int i = 0; i < 2; i++) {
          sum[i] += one(load(tables.at[k] + r + i * W)...);
          its[i] += other(load(tables.at[k] + r + i * W)...);
        }
      for (int i = 0; i < 2; i++) {
        store(first + r + i * W, sum[i]);
        store(second + r + i * W, its[i]);
      }
    }
  }
}

// The least value of each row.
template <int K>
INLINE void least_values(const Shape<K> &shape, int64_t n, double *out, const Block &table) {
  if constexpr (Shape<K>::is_long) {
    for (int64_t r = 0; r < n; r++) {  // what pads a row is 0: it is left out
      const double *row = table.at[r];
      Doubles low = all(raw<double>(row));
      int64_t k = 0;
      for (; k + W <= shape.classes(); k += W) low = least(load(row + k), low);
      double found = raw<double>(row);
      for (int i = 0; i < W; i++) found = low[i] < found ? low[i] : found;
      for (; k < shape.classes(); k++) {
        const double v = raw<double>(row + k);
        found = v < found ? v : found;
      }
      out[r] = found;
    }
  } else {
    for (int64_t r = 0; r < ROWS; r += W) {
      Doubles low = load(table.at[0] + r);
      for (int64_t k = 1; k < shape.classes(); k++) low = least(load(table.at[k] + r), low);
      store(out + r, low);
    }
  }
}

// The greatest value of each row, and the first class that has it.
template <int K>
INLINE void greatest_values(const Shape<K> &shape, int64_t n, double *out, double *first,
                            const Block &table) {
  if constexpr (Shape<K>::is_long) {
    for (int64_t r = 0; r < n; r++) {
      const double *row = table.at[r];
      Doubles top = all(raw<double>(row));
      for (int64_t k = 0; k < shape.padded(); k += W) top = greatest(load(row + k), top);
      double found = raw<double>(row);
      for (int i = 0; i < W; i++) found = top[i] > found ? top[i] : found;
      if (first) {  // of a row with a missing value it is any
        int64_t k = 0;
        while (k + W < shape.padded() && !any(load(row + k) == all(found))) k += W;
        while (k + 1 < shape.classes() && raw<double>(row + k) != found) k++;
        first[r] = double(k);
      }
      out[r] = found;
    }
  } else {
    for (int64_t r = 0; r < ROWS; r += W) {
      Doubles top = load(table.at[0] + r), at = {};
      for (int64_t k = 1; k < shape.classes(); k++) {
        Doubles v = load(table.at[k] + r);
        at = v > top ? all(double(k)) : at;
        top = greatest(v, top);
      }
      store(out + r, top);
      if (first) store(first + r, at);
    }
  }
}

// The value at one class of each row.
template <int K>
INLINE double at_class(const Shape<K> &, const Block &table, int64_t row, int64_t k) {
  const double *at = Shape<K>::is_long ? table.at[row] + k : table.at[k] + row;
  return raw<double>(at);
}

// max(value, floor) / sum of its row, into the memory of a block, which may be the same.
template <int K>
INLINE void divided(const Shape<K> &shape, int64_t n, const Block &table, double floor,
                    const double *sums, Block &to) {
  const int64_t count = shape.is_long ? n : shape.classes();
  for (int64_t i = 0; i < count; i++) {
    const double *from = table.at[i];
    double *own = to.memory + i * (shape.is_long ? shape.padded() : ROWS);
    to.at[i] = own;
    if constexpr (Shape<K>::is_long) {
      for (int64_t k = 0; k < shape.padded(); k += W)
        store(own + k, greatest(load(from + k), all(floor)) / sums[i]);
      for (int64_t k = shape.classes(); k < shape.padded(); k++) own[k] = 0.0;
    } else {
      for (int64_t r = 0; r < ROWS; r += W)
        store(own + r, greatest(load(from + r), all(floor)) / load(sums + r));
    }
  }
}

}  // namespace
