// What the members of an ensemble cost and how they differ, built once for each
// instruction set as in pass.cpp. Rows lie beside each other, and what one gives depends
// on it alone; those in which a member gives a class next to nothing are left to numpy.
#include "job.hpp"
#include "vectors.hpp"

namespace {

using xent::Members;

constexpr double FAR = -0.5;            // of a sum less one: beyond, its logarithm does
constexpr double LEAST_SUM = 0x1p-960;  // whose terms have lost nothing

// In the order of ROW_TERMS in ensemble_block.py.
enum Column {
  MEMBER_CROSS_ENTROPY,
  ENSEMBLE_CROSS_ENTROPY,
  DIVERSITY,
  GEOMETRIC_CROSS_ENTROPY,
  GEOMETRIC_DIVERSITY,
  PREDICTIVE_ENTROPY,
  MEMBER_ENTROPY,
  MUTUAL_INFORMATION,
};

// W rows, or the last ones.
class Rows {
 public:
  Rows(Members *job, int64_t first) : job(job), first(first), lanes{job->rows - first} {}

  INLINE void measure() {
    find_small();
    if (!any(~odd)) return mark_odd();
    for (int64_t m = 0; m < job->members; m++) {
      lanes.to(of_member(job->costs, m), Doubles{});
      lanes.to(of_member(job->entropies, m), Doubles{});
    }
    for (int64_t k = 0; k < job->classes; k++) add_class(k);
    average_members();
    put(ENSEMBLE_CROSS_ENTROPY, greatest(cost_of_mean, Doubles{}));
    put(DIVERSITY, diversity);
    put(PREDICTIVE_ENTROPY, greatest(entropy_of_mean, Doubles{}));
    put(MUTUAL_INFORMATION, greatest(divergence, Doubles{}));
    odd |= ~(geometric >= LEAST_SUM);
    mark_odd();
  }

 private:
  Members *job;
  const int64_t first;
  const Lanes lanes;
  Mask odd = {};
  Doubles cost_of_mean = {}, diversity = {}, entropy_of_mean = {}, divergence = {};
  // Of the geometric mean: the sum over classes of the mean, of what it is below that,
  // and of itself.
  Doubles total = {}, lost = {}, geometric = {};

  INLINE double *of_member(double *table, int64_t m) const {
    return table + m * job->rows + first;
  }
  INLINE void put(Column column, Doubles v) const { lanes.to(job->out[column] + first, v); }
  INLINE Doubles member(int64_t k, int64_t m) const {
    return lanes.from(job->q + k * job->by_class + m * job->by_member + first, 1.0);
  }

  // The share of a class in the target: 1 for that of the label.
  INLINE Doubles target(int64_t k) const {
    if (job->target) return lanes.from(job->target + k * job->of_target + first, 0.0);
    Mask label = {};
    for (int i = 0; i < W; i++)
      if (i < lanes.left) label[i] = -int64_t(job->codes[first + i] == k);
    return where(label, all(1.0));
  }

  // Rows in which a member gives a class next to nothing; lanes past the last row are too.
  INLINE void find_small() {
    Doubles low = all(1.0);
    for (int64_t k = 0; k < job->classes; k++)
      for (int64_t m = 0; m < job->members; m++) {
        const Doubles q = member(k, m);
        low = low <= q ? low : q;  // NaN is kept
      }
    odd = ~(low >= job->floor);
    for (int i = 0; i < W; i++)
      if (i >= lanes.left) odd[i] = -1;
  }

  INLINE void add_class(int64_t k) {
    Doubles mean = {};
    for (int64_t m = 0; m < job->members; m++) mean += job->weights[m] * member(k, m);
    const Doubles share = target(k), log_mean = logarithm(mean);
    Doubles gap = {};
    for (int64_t m = 0; m < job->members; m++) {
      const Doubles q = member(k, m), log_q = logarithm(q);
      const Beside beside(q, mean);
      double *cost = of_member(job->costs, m), *entropy = of_member(job->entropies, m);
      lanes.to(cost, lanes.from(cost, 0.0) - share * log_q);
      lanes.to(entropy, lanes.from(entropy, 0.0) - q * log_q);
      lanes.to(of_member(job->log_ratio, k * job->members + m), beside.log_ratio());
      divergence += job->weights[m] * beside.divergence();
      gap += job->weights[m] * beside.reverse_divergence();
    }
    gap /= mean;
    cost_of_mean -= share * log_mean;
    diversity += share * gap;
    entropy_of_mean -= mean * log_mean;
    const Exponential below = exponential(-gap);
    total += mean;
    lost += mean * below.less_one;
    geometric += mean * below.itself;
  }

  INLINE void average_members() const {
    Doubles cost = {}, entropy = {};
    for (int64_t m = 0; m < job->members; m++) {
      double *costs = of_member(job->costs, m), *entropies = of_member(job->entropies, m);
      const Doubles own = greatest(lanes.from(costs, 0.0), Doubles{});
      const Doubles its = greatest(lanes.from(entropies, 0.0), Doubles{});
      lanes.to(costs, own);
      lanes.to(entropies, its);
      cost += job->weights[m] * own;
      entropy += job->weights[m] * its;
    }
    const Doubles share = lost / total;
    const Doubles near = 0.0 - logarithm_of_one_plus(greatest(share, all(FAR)));
    const Doubles far = logarithm(total) - logarithm(geometric);
    const Doubles apart = share > FAR ? near : far;
    put(MEMBER_CROSS_ENTROPY, cost);
    put(MEMBER_ENTROPY, entropy);
    put(GEOMETRIC_DIVERSITY, apart);
    put(GEOMETRIC_CROSS_ENTROPY, cost - apart);
  }

  INLINE void mark_odd() {
    for (int i = 0; i < W && i < lanes.left; i++) {
      job->odd[first + i] = odd[i] != 0;
      job->n_odd += odd[i] != 0;
    }
  }
};

}  // namespace

extern "C" void XENT_NAMED(members)(Members *job) {
  for (int64_t first = 0; first < job->rows; first += W) Rows(job, first).measure();
}
