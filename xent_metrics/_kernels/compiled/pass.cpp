// One pass over rows, built once for each instruction set: XENT_LEVEL names it, and
// XENT_WIDTH is how many doubles its vectors hold.
//
// Rows that are sound and ordinary are measured here. All others - values below 0 or
// missing, sums off by more than half of what is allowed, unknown labels, costs that are
// infinite or next to the smallest numbers - are marked as odd and left to numpy, whose
// kernels are the reference: they say what is wrong and where.
#include "blocks.hpp"

namespace {

using namespace xent;

constexpr double ROUNDED = 1e-12;       // sums of rows this near to one are one
constexpr double LEAST_NORMAL = 0x1p-1022;
constexpr double HARDLY = 0x1p-880;     // a sum to which the smallest numbers may matter

// A value per row of a block.
template <int K> struct Values {
  double of[Shape<K>::rows];
  INLINE double &operator[](int64_t r) { return of[r]; }
  INLINE double operator[](int64_t r) const { return of[r]; }
  template <class Make> INLINE void fill(Make make) {
    for (int64_t r = 0; r < Shape<K>::rows; r += W) store(of + r, make(r));
  }
  INLINE Doubles from(int64_t r) const { return load(of + r); }
  INLINE void not_negative() {
    fill([&](int64_t r) { return greatest(from(r), Doubles{}); });
  }
};

// Rows of a block that are left to numpy. Few are: a block without any is told at once.
template <int K> struct Odd {
  uint8_t row[Shape<K>::rows];
  bool some;
  INLINE void clear() {
    memset(row, 0, sizeof row);
    some = false;
  }
  template <class Test> INLINE void mark(Test test) {
    Mask found = {};
    for (int64_t r = 0; r < Shape<K>::rows; r += W) found |= test(r);
    if (!any(found)) return;
    some = true;
    for (int64_t r = 0; r < Shape<K>::rows; r += W) {
      const Mask here = test(r);
      for (int i = 0; i < W; i++) row[r + i] |= here[i] != 0;
    }
  }
};

// A block of one table, with the sums and the least values of its rows.
template <int K> struct Checked {
  Source source;
  Block block;
  Values<K> added, low;
  Values<K> sum;     // of rows that add up to one to rounding, it is one
  bool sums_to_one;

  // Reads rows and marks those that are not sound; NaN and infinity show in the sum.
  INLINE void load_rows(const Shape<K> &shape, int64_t first, int64_t n, Odd<K> &odd) {
    read(source, shape, first, n, block);
    if (n < shape.rows) added.fill([](int64_t) { return all(1.0); });
    if (n < shape.rows) low.fill([](int64_t) { return all(0.0); });
    add_up(shape, n, added.of, [](Doubles v) { return v; }, block);
    least_values(shape, n, low.of, block);
    if (source.proportions) divide(shape, n, odd);
    check(odd);
  }

  // The same of a whole block of short rows of which one value each is all that is needed.
  // False where they must be read in the other way.
  INLINE bool check_in_place(const Shape<K> &shape, int64_t first, Odd<K> &odd) {
    const double least_of_all =
        source.first.single ? add_up_in_place<float>(source, shape, first, added.of)
                      : add_up_in_place<double>(source, shape, first, added.of);
    if (least_of_all < 0.0) return false;
    low.fill([](int64_t) { return Doubles{}; });
    check(odd);
    return true;
  }

 private:
  // Divides rows by their sums, which must be above 0 and finite.
  INLINE void divide(const Shape<K> &shape, int64_t n, Odd<K> &odd) {
    const Doubles most = all(0x1p1000), least_sum = all(0x1p-900);
    odd.mark([&](int64_t r) {
      return ~(added.from(r) >= least_sum) | ~(added.from(r) <= most);
    });
    divided(shape, n, block, 0.0, added.of, block);
    low.fill([&](int64_t r) { return low.from(r) / added.from(r); });
    added.fill([](int64_t) { return all(1.0); });
  }

  INLINE void check(Odd<K> &odd) {
    const Doubles most = all(source.tolerance);
    odd.mark([&](int64_t r) {
      const Doubles off = added.from(r) - 1.0;
      return ~(low.from(r) >= 0.0) | ~(off <= most) | ~(-off <= most);
    });
    Mask apart = {};
    sum.fill([&](int64_t r) {
      const Doubles off = added.from(r) - 1.0;
      const Mask near = (off <= ROUNDED) & (-off <= ROUNDED);
      apart |= ~near;
      return near ? all(1.0) : added.from(r);
    });
    sums_to_one = !any(apart);
  }
};

// A sum as if rounded once: that of one value in every LANES, and what roundings lost.
struct Sum {
  double of[LANES] = {}, lost[LANES] = {};
  INLINE void add(const double *values) {
    for (int i = 0; i < LANES; i += W) {
      const Doubles before = load(of + i), value = load(values + i), after = before + value;
      const Doubles added = after - before;  // Knuth's sum of two
      store(lost + i, load(lost + i) + ((before - (after - added)) + (value - added)));
      store(of + i, after);
    }
  }
  INLINE double total() const {
    double sum = 0.0, rest = 0.0;
    for (int i = 0; i < LANES; i++) {
      const double after = sum + of[i], added = after - sum;
      rest += (sum - (after - added)) + (of[i] - added) + lost[i];
      sum = after;
    }
    return sum + rest;
  }
};

template <int K> class Rows {
 public:
  Sum sum;  // of costs, where they are added up

  Rows(Job *job, double *memory) : job(*job), shape{job->classes} {
    predicted.source = job->predicted;
    target.source = job->target;
    predicted.block.memory = memory;
    target.block.memory = memory + shape.values();
    scaled_p.memory = memory + 2 * shape.values();
    scaled_q.memory = memory + 3 * shape.values();
    const Source &from = job->predicted;
    only_costs = job->codes && !shape.is_long && shape.classes() >= 4 &&
                 lies_in_rows(from) && !from.proportions;
    for (int one = 0; one < N_MEASURES; one++)
      only_costs &= !asks(Measure(one)) || one == CROSS_ENTROPY || one == KL_DIVERGENCE;
  }

  // Measures n rows from `first` on.
  INLINE void measure(int64_t first_row, int64_t n_rows) {
    first = first_row, n = n_rows;
    has_top = has_best = some_clipped = false;
    odd.clear();
    in_place = only_costs && n == shape.rows && predicted.check_in_place(shape, first, odd);
    if (!in_place) predicted.load_rows(shape, first, n, odd);
    if (job.codes) with_labels();
    if (job.soft) with_targets();
    if (asks(PREDICTIVE_ENTROPY)) {
      entropy_of(predicted.block);
      keep(PREDICTIVE_ENTROPY, result);
    }
    if (asks(CONFIDENCE)) keep(CONFIDENCE, top());
    if (asks(PREDICTED)) keep(PREDICTED, best());
    if (some_clipped) count_clipped();
    memcpy(job.odd + (first - job.start), odd.row, n);
    if (odd.some)
      for (int64_t r = 0; r < n; r++) job.n_odd += odd.row[r];
  }

 private:
  Job &job;
  const Shape<K> shape;
  Checked<K> predicted, target;
  Block scaled_p, scaled_q;
  Values<K> result, other, costs, top_value, top_class, top_of_target;
  bool only_costs, in_place;  // one probability per row is all that is needed
  bool has_top, has_best, some_clipped;
  bool clipped[Shape<K>::rows];
  Odd<K> odd;
  int64_t first, n;

  INLINE bool asks(Measure one) const { return job.out[one] != nullptr; }
  INLINE void keep(Measure one, const Values<K> &values) {
    memcpy(job.out[one] + (first - job.start), values.of, n * sizeof(double));
  }

  // Notes rows that meet the clip; they are counted when it is known which are odd.
  template <class Test> INLINE void note_clipped(Test test) {
    some_clipped = true;
    for (int64_t r = 0; r < n; r++) clipped[r] = test(r);
  }
  INLINE void count_clipped() {
    for (int64_t r = 0; r < n; r++)
      job.at_zero += clipped[r] && !odd.row[r] && (!job.active || job.active[first + r]);
  }

  // Marks sums that are not 0 but to which the smallest numbers may matter.
  INLINE void doubt(const Values<K> &values) {
    odd.mark([&](int64_t r) { return (values.from(r) < HARDLY) & (values.from(r) > 0.0); });
  }

  INLINE const Values<K> &top() {
    if (!has_top) greatest_values(shape, n, top_value.of, nullptr, predicted.block);
    has_top = true;
    return top_value;
  }
  INLINE const Values<K> &best() {
    if (!has_best) greatest_values(shape, n, top_value.of, top_class.of, predicted.block);
    has_top = has_best = true;
    return top_class;
  }

  INLINE void entropy_of(const Block &table) {
    add_up<FETCH_NEXT>(shape, n, result.of,
                       [](Doubles p) { return -(p * logarithm_in_sums(p)); }, table);
    result.not_negative();
    doubt(result);
  }

  // -- hard labels ----------------------------------------------------------

  INLINE double of_label(int64_t r, int64_t k) const {
    if (in_place) return value_of(predicted.source.column(k), first + r);
    return at_class(shape, predicted.block, r, k);
  }

  // The values of known labels.
  INLINE void look_up(const int64_t *codes, Values<K> &p) const {
    const Column &from = predicted.source.first;
    const char *at = from.at + first * from.by_row;
    if (in_place && from.single)
      for (int64_t r = 0; r < n; r++) p[r] = value<float>(at + r * from.by_row + codes[r] * 4);
    else if (in_place)
      for (int64_t r = 0; r < n; r++) p[r] = value<double>(at + r * from.by_row + codes[r] * 8);
    else
      for (int64_t r = 0; r < n; r++) p[r] = at_class(shape, predicted.block, r, codes[r]);
  }

  INLINE void with_labels() {
    const int64_t *codes = job.codes + first;
    Values<K> &p = other;
    uint64_t unknown = 0;  // its first bit is set by codes below 0 or beyond the classes
    for (int64_t r = 0; r < n; r++)
      unknown |= uint64_t(codes[r]) | (uint64_t(shape.classes()) - 1 - uint64_t(codes[r]));
    if (n < shape.rows) p.fill([](int64_t) { return all(1.0); });
    if (!(unknown >> 63)) {
      look_up(codes, p);
    } else {
      odd.some = true;
      for (int64_t r = 0; r < n; r++) {
        const bool one = uint64_t(codes[r]) < uint64_t(shape.classes());
        odd.row[r] |= !one;
        p[r] = one ? of_label(r, codes[r]) : 1.0;
      }
    }
    if (asks(P_TRUE)) keep(P_TRUE, p);
    if (asks(CORRECT)) {
      const Values<K> &predictions = best();
      for (int64_t r = 0; r < n; r++) result[r] = predictions[r] == double(codes[r]);
      keep(CORRECT, result);
    }
    if (!asks(CROSS_ENTROPY) && !asks(KL_DIVERGENCE) && !job.adds) return;
    const Doubles clip = all(job.clip), one = all(1.0);
    if (job.clip < LEAST_NORMAL) odd.mark([&](int64_t r) { return p.from(r) < LEAST_NORMAL; });
    Mask below = {};
    costs.fill([&](int64_t r) {
      below |= p.from(r) < clip;
      return 0.0 - logarithm(least(greatest(p.from(r), clip), one));
    });
    if (any(below)) note_clipped([&](int64_t r) { return p[r] < job.clip; });
    if (asks(CROSS_ENTROPY)) keep(CROSS_ENTROPY, costs);
    if (asks(KL_DIVERGENCE)) keep(KL_DIVERGENCE, costs);
    if (job.adds) add_costs();
  }

  INLINE void add_costs() {
    if (odd.some)
      for (int64_t r = 0; r < n; r++)
        if (odd.row[r]) costs[r] = 0.0;
    for (int64_t r = 0; r < shape.rows; r += LANES) sum.add(costs.of + r);
  }

  // -- distributions --------------------------------------------------------

  INLINE void with_targets() {
    target.load_rows(shape, first, n, odd);
    const Block &p = target.block, &q = predicted.block;
    if (asks(ENTROPY)) {
      entropy_of(p);
      keep(ENTROPY, result);
    }
    if (asks(P_TRUE)) {
      add_up(shape, n, result.of, [](Doubles a, Doubles b) { return a * b; }, p, q);
      keep(P_TRUE, result);
    }
    if (asks(CORRECT)) {
      const Values<K> &predictions = best();
      for (int64_t r = 0; r < n; r++) result[r] = at_class(shape, p, r, int64_t(predictions[r]));
      keep(CORRECT, result);
    }
    if (asks(KL_DIVERGENCE) || asks(JEFFREYS_DIVERGENCE) || asks(CROSS_ENTROPY)) {
      refuse_next_to_nothing(predicted);
      find_clipped();
    }
    if (asks(CROSS_ENTROPY)) {
      const Doubles floor = all(job.clip);
      add_up<FETCH_NEXT>(
          shape, n, result.of,
          [&](Doubles a, Doubles b) { return -(a * logarithm(greatest(b, floor))); }, p, q);
      result.not_negative();
      doubt(result);
      keep(CROSS_ENTROPY, result);
    }
    if (asks(KL_DIVERGENCE)) {
      divergence(target, predicted);
      settle_labels();
      keep(KL_DIVERGENCE, result);
    }
    if (asks(REVERSE_KL_DIVERGENCE) || asks(JEFFREYS_DIVERGENCE)) {
      refuse_next_to_nothing(target);
      divergence(predicted, target);
      costs = result;
      if (asks(REVERSE_KL_DIVERGENCE)) keep(REVERSE_KL_DIVERGENCE, result);
      if (asks(JEFFREYS_DIVERGENCE)) {
        divergence(target, predicted);
        result.fill([&](int64_t r) { return result.from(r) + costs.from(r); });
        keep(JEFFREYS_DIVERGENCE, result);
      }
    }
    if (asks(JENSEN_SHANNON_DIVERGENCE)) {
      jensen_shannon();
      keep(JENSEN_SHANNON_DIVERGENCE, result);
    }
  }

  // Marks rows with a probability, inside a logarithm, next to the smallest numbers.
  INLINE void refuse_next_to_nothing(const Checked<K> &table) {
    if (job.clip < NOTHING)
      odd.mark([&](int64_t r) { return table.low.from(r) < NOTHING; });
  }

  // Finds rows whose cost meets a probability below the clip.
  INLINE void find_clipped() {
    const Doubles clip = all(job.clip), one = all(1.0);
    Mask some = {};
    for (int64_t r = 0; r < shape.rows; r += W) some |= predicted.low.from(r) < clip;
    if (!any(some)) return;
    add_up(shape, n, other.of,
           [&](Doubles a, Doubles b) { return where((b < clip) & (a > 0.0), one); },
           target.block, predicted.block);
    note_clipped([&](int64_t r) { return other[r] > 0.0; });
  }

  // sum p log(p / q) of rows divided by their sums, with q no less than the clip.
  INLINE void divergence(const Checked<K> &of, const Checked<K> &from) {
    const bool as_given = taken_as_given(of, from) && of.sums_to_one && from.sums_to_one;
    const Block *p = &of.block, *q = &from.block;
    if (!as_given) {
      divided(shape, n, of.block, 0.0, of.sum.of, scaled_p);
      divided(shape, n, from.block, job.clip, from.sum.of, scaled_q);
      p = &scaled_p, q = &scaled_q;
    }
    const Doubles floor = as_given ? all(job.clip) : Doubles{};
    Mask small = {};
    for (int64_t r = 0; r < shape.rows; r += W)
      small |= (of.low.from(r) < NOTHING) | (from.low.from(r) < floor);
    // The same sums, where no value needs a second look.
    if (as_given && !any(small) && shape.padded() == shape.classes()) {
      add_up_both(
          shape, n, result.of, other.of,
          [&](Doubles a, Doubles b) { return divergence_term(a, b); },
          [&](Doubles a, Doubles b) { return a - b; }, *p, *q);
    } else {
      add_up_both(
          shape, n, result.of, other.of,
          [&](Doubles a, Doubles b) {
            return where(a >= NOTHING, divergence_term(a, greatest(b, floor)));
          },
          [&](Doubles a, Doubles b) { return where(a >= NOTHING, a - greatest(b, floor)); }, *p, *q);
    }
    if (!as_given) correct_difference(of, from);
    result.fill([&](int64_t r) { return result.from(r) + other.from(r); });
    doubt(result);
  }

  // Rows of proportions add up to one: what theirs add up to is rounding.
  INLINE bool taken_as_given(const Checked<K> &of, const Checked<K> &from) const {
    return !of.source.proportions && !from.source.proportions;
  }

  // Rows that were divided by their sums add up to one, but for what the clip adds: what
  // their values add up to is rounding, which may be more than all of a divergence.
  INLINE void correct_difference(const Checked<K> &of, const Checked<K> &from) {
    const Doubles clip = all(job.clip), one = all(1.0);
    Values<K> impossible, clipped;
    add_up(shape, n, impossible.of,
           [](Doubles a, Doubles b) { return where(a < NOTHING, b); }, scaled_p, scaled_q);
    add_up(shape, n, clipped.of, [&](Doubles b) { return least(b - clip, Doubles{}); },
           from.block);
    const Doubles padding = all(double(shape.padded() - shape.classes()) * job.clip);
    const auto total = [&](const Checked<K> &table, int64_t r) {
      return table.sum.from(r) == 1.0 ? table.added.from(r) : one;
    };
    other.fill([&](int64_t r) {
      const Mask ones = (of.sum.from(r) == 1.0) & (from.sum.from(r) == 1.0);
      const Mask as_given = taken_as_given(of, from) ? ones : Mask{};
      const Doubles apart = total(of, r) - total(from, r);
      const Doubles by_clip = (clipped.from(r) + padding) / from.sum.from(r);
      return as_given ? other.from(r) : impossible.from(r) + by_clip + apart;
    });
  }

  // The divergence from a single label is its cost, also where predictions do not add up
  // to one: they are taken as given.
  INLINE void settle_labels() {
    if (predicted.sums_to_one) return;
    const Doubles floor = all(job.clip);
    add_up(shape, n, other.of, [](Doubles p) { return where(p > 0.0, all(1.0)); }, target.block);
    greatest_values(shape, n, top_of_target.of, nullptr, target.block);
    add_up(shape, n, costs.of,
           [&](Doubles a, Doubles b) { return -(a * logarithm(greatest(b, floor))); },
           target.block, predicted.block);
    costs.not_negative();
    result.fill([&](int64_t r) {
      const Mask label = (other.from(r) == 1.0) & (top_of_target.from(r) == 1.0);
      return (label & (predicted.sum.from(r) != 1.0)) ? costs.from(r) : result.from(r);
    });
  }

  // The mean divergence of both tables from the table halfway between them.
  INLINE void jensen_shannon() {
    const Block *p = &target.block, *q = &predicted.block;
    if (!target.sums_to_one || !predicted.sums_to_one) {
      divided(shape, n, target.block, 0.0, target.sum.of, scaled_p);
      divided(shape, n, predicted.block, 0.0, predicted.sum.of, scaled_q);
      p = &scaled_p, q = &scaled_q;
    }
    add_up<FETCH_NEXT>(shape, n, result.of, [](Doubles a, Doubles b) {
      const Doubles half = 0.5 * (a + b);
      const Doubles first = a >= NOTHING ? divergence_term(a, half) : half;
      const Doubles second = b >= NOTHING ? divergence_term(b, half) : half;
      return 0.5 * (first + second);
    }, *p, *q);
    doubt(result);
  }
};

template <int K> bool pass(Job *job) {
  const Shape<K> shape{job->classes};
  const size_t size = (size_t(shape.values()) * 4 * sizeof(double) + 63) / 64 * 64;
  double *memory = static_cast<double *>(aligned_alloc(64, size));
  if (!memory) return false;
  Rows<K> rows(job, memory);
  for (int64_t first = job->start; first < job->stop; first += shape.rows)
    rows.measure(first, first + shape.rows < job->stop ? shape.rows : job->stop - first);
  free(memory);
  if (job->adds) job->sum = rows.sum.total();
  return true;
}

}  // namespace

extern "C" double XENT_NAMED(total)(const double *values, int64_t n) {
  Sum sum;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) sum.add(values + i);
  double last[LANES] = {};
  memcpy(last, values + i, (n - i) * sizeof(double));
  sum.add(last);
  return sum.total();
}

extern "C" bool XENT_NAMED(pass)(xent::Job *job) {
  switch (job->classes) {
    case 2: return pass<2>(job);
    case 3: return pass<3>(job);
    case 10: return pass<10>(job);
    default: return job->classes > MOST_SHORT ? pass<LONG>(job) : pass<0>(job);
  }
}
