/* What compiled loops take for the work of the kernels, with the same checks.

   Built by benchmarks/floor.py, never shipped. Blocks of rows stay in the first-level
   cache; what does not need rows runs over all their values at once. Ranges are checked
   on bits, which hold under -ffast-math: as unsigned numbers, NaN, infinities, negative
   numbers and those above 1 are all greater than the bits of 1.

   Each function returns the first row of the first bad block, or -1. */

#include <math.h>
#include <stdint.h>

#define VALUES 2048 /* of a block */
#define MOST 65536  /* of a row */

#define INLINE static inline __attribute__((always_inline))
#define FOR(i, n) for (int64_t i = 0; i < (n); i++)
#define ROWS(k) ((k) < VALUES ? VALUES / (k) : 1)

#define CHECK(NAME, REAL, BITS, ONE)                                                    \
  INLINE int NAME(const REAL *q, int64_t m, int64_t k, double tolerance) {             \
    const BITS *bits = (const BITS *)q;                                                \
    int bad = 0;                                                                       \
    _Pragma("omp simd reduction(| : bad)")                                             \
    FOR(j, m *k) bad |= bits[j] > ONE;                                                 \
    FOR(i, m) {                                                                        \
      REAL sum = 0;                                                                    \
      FOR(c, k) sum += q[i * k + c];                                                   \
      bad |= fabs(sum - (REAL)1) > (REAL)tolerance;                                    \
    }                                                                                  \
    return bad;                                                                        \
  }
CHECK(bad_f64, double, uint64_t, 0x3FF0000000000000u)
CHECK(bad_f32, float, uint32_t, 0x3F800000u)

#define CROSS_ENTROPY(NAME, REAL, BAD)                                                  \
  INLINE int64_t NAME##_of(const REAL *q, const int64_t *y, int64_t n, int64_t k,      \
                           double tolerance, double clip, double *mean) {              \
    double p[VALUES], cost = 0;                                                        \
    for (int64_t first = 0; first < n; first += ROWS(k)) {                             \
      int64_t m = n - first < ROWS(k) ? n - first : ROWS(k);                           \
      const REAL *rows = q + first * k;                                                \
      int outside = 0;                                                                 \
      FOR(i, m) outside |= (uint64_t)y[first + i] >= (uint64_t)k;                      \
      if (outside || BAD(rows, m, k, tolerance)) return first;                         \
      FOR(i, m) {                                                                      \
        double at = rows[i * k + y[first + i]];                                        \
        p[i] = at < clip ? clip : at;                                                  \
      }                                                                                \
      _Pragma("omp simd reduction(+ : cost)")                                          \
      FOR(i, m) cost -= log(p[i]);                                                     \
    }                                                                                  \
    *mean = cost / n;                                                                  \
    return -1;                                                                         \
  }                                                                                    \
  int64_t NAME(const REAL *q, const int64_t *y, int64_t n, int64_t k,                  \
               double tolerance, double clip, double *mean) {                          \
    if (k == 2) return NAME##_of(q, y, n, 2, tolerance, clip, mean);                   \
    if (k == 10) return NAME##_of(q, y, n, 10, tolerance, clip, mean);                 \
    return NAME##_of(q, y, n, k, tolerance, clip, mean);                               \
  }
CROSS_ENTROPY(cross_entropy_f64, double, bad_f64)
CROSS_ENTROPY(cross_entropy_f32, float, bad_f32)

/* The divergence of each row, of two checked tables: sum p log(p / q). */
INLINE int64_t kl_of(const double *p, const double *q, int64_t n, int64_t k,
                     double tolerance, double clip, double *out) {
  double terms[MOST];
  for (int64_t first = 0; first < n; first += ROWS(k)) {
    int64_t m = n - first < ROWS(k) ? n - first : ROWS(k);
    const double *a = p + first * k, *b = q + first * k;
    if (bad_f64(a, m, k, tolerance) || bad_f64(b, m, k, tolerance)) return first;
#pragma omp simd
    FOR(j, m *k)
      terms[j] = a[j] * log((a[j] + 0x1p-1022) / (b[j] < clip ? clip : b[j]));
    FOR(i, m) {
      double sum = 0;
      FOR(c, k) sum += terms[i * k + c];
      out[first + i] = sum < 0 ? 0 : sum;
    }
  }
  return -1;
}

int64_t kl_f64(const double *p, const double *q, int64_t n, int64_t k,
               double tolerance, double clip, double *out) {
  if (k > MOST) return 0;
  if (k == 2) return kl_of(p, q, n, 2, tolerance, clip, out);
  if (k == 10) return kl_of(p, q, n, 10, tolerance, clip, out);
  return kl_of(p, q, n, k, tolerance, clip, out);
}

/* The columns of labels: cost, predictive entropy, confidence, whether the first of
   the most probable classes is the label, and the label's probability. */
#define REPORT(NAME, REAL, BAD)                                                         \
  INLINE int64_t NAME##_of(const REAL *q, const int64_t *y, int64_t n, int64_t k,      \
                           double tolerance, double clip, double *out) {               \
    double terms[MOST];                                                                \
    for (int64_t first = 0; first < n; first += ROWS(k)) {                             \
      int64_t m = n - first < ROWS(k) ? n - first : ROWS(k);                           \
      const REAL *rows = q + first * k;                                                \
      int outside = 0;                                                                 \
      FOR(i, m) outside |= (uint64_t)y[first + i] >= (uint64_t)k;                      \
      if (outside || BAD(rows, m, k, tolerance)) return first;                         \
      _Pragma("omp simd")                                                              \
      FOR(j, m *k) terms[j] = rows[j] * log((double)rows[j] + 0x1p-1022);              \
      FOR(i, m) {                                                                      \
        const REAL *row = rows + i * k;                                                \
        double sum = 0;                                                                \
        REAL top = 0;                                                                  \
        FOR(c, k) sum -= terms[i * k + c];                                             \
        FOR(c, k) top = row[c] > top ? row[c] : top;                                   \
        int64_t best = 0;                                                              \
        while (row[best] < top) best++;                                                \
        double at = row[y[first + i]];                                                 \
        out[first + i] = at < clip ? clip : at;                                        \
        out[n + first + i] = sum < 0 ? 0 : sum;                                        \
        out[2 * n + first + i] = top;                                                  \
        out[3 * n + first + i] = best == y[first + i];                                 \
        out[4 * n + first + i] = at;                                                   \
      }                                                                                \
      _Pragma("omp simd")                                                              \
      FOR(i, m) out[first + i] = -log(out[first + i]);                                 \
    }                                                                                  \
    return -1;                                                                         \
  }                                                                                    \
  int64_t NAME(const REAL *q, const int64_t *y, int64_t n, int64_t k,                  \
               double tolerance, double clip, double *out) {                           \
    if (k > MOST) return 0;                                                            \
    if (k == 2) return NAME##_of(q, y, n, 2, tolerance, clip, out);                    \
    if (k == 10) return NAME##_of(q, y, n, 10, tolerance, clip, out);                  \
    return NAME##_of(q, y, n, k, tolerance, clip, out);                                \
  }
REPORT(report_f64, double, bad_f64)
REPORT(report_f32, float, bad_f32)
