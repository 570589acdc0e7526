// Vectors of W doubles, and functions of them: the logarithm, the exponential, and what
// divergences add up.
//
// Everything is in an unnamed namespace: each instruction set has its own copy, and no
// linker can merge one that needs AVX-512 into code that runs anywhere.
#pragma once
#include <cstdint>
#include <cstring>

namespace {

constexpr int W = XENT_WIDTH;
typedef double Doubles __attribute__((vector_size(W * 8)));
typedef uint64_t Bits __attribute__((vector_size(W * 8)));
typedef int64_t Mask __attribute__((vector_size(W * 8)));

#define INLINE inline __attribute__((always_inline))

INLINE Doubles load(const double *from) {
  Doubles v;
  memcpy(&v, from, sizeof v);
  return v;
}
INLINE void store(double *to, Doubles v) { memcpy(to, &v, sizeof v); }
INLINE Doubles all(double x) { return Doubles{} + x; }
// The lanes of a vector that there are values for: `left` of them, or all.
struct Lanes {
  const int64_t left;
  INLINE Doubles from(const double *at, double filler) const {
    if (left >= W) return load(at);
    Doubles v = all(filler);
    memcpy(&v, at, left * sizeof(double));
    return v;
  }
  INLINE void to(double *at, Doubles v) const {
    if (left >= W) store(at, v);
    else memcpy(at, &v, left * sizeof(double));
  }
};

INLINE Doubles least(Doubles a, Doubles b) { return a < b ? a : b; }
INLINE Doubles greatest(Doubles a, Doubles b) { return a > b ? a : b; }
INLINE Doubles where(Mask mask, Doubles v) { return (Doubles)((Mask)v & mask); }

constexpr uint64_t MANTISSA = 0x000fffffffffffffULL, ONE = 0x3ff0000000000000ULL;
constexpr uint64_t ROOT_HALF = 0x3fe6a09e667f3bcdULL;
// A whole number below 2^52 in the mantissa of this reads as 2^52 plus that number.
constexpr uint64_t WHOLE = 0x4330000000000000ULL;
constexpr double TWO_52 = 4503599627370496.0;
// log 2 in two parts, of which the first has zeros enough to be exact times an exponent.
constexpr double LOG2_HIGH = 6.93147180369123816490e-01;
constexpr double LOG2_LOW = 1.90821492927058770002e-10;
constexpr double LOG2 = 0.6931471805599453;

// The logarithm of positive normal numbers, off by less than one unit in the last place.
// Of other numbers, 0 and subnormal ones too, it is some finite number.
//
// x = 2^k m with m within sqrt(2) of 1, and with s = (m - 1) / (m + 1)
// log m = 2 s + s z (2/3 + 2/5 z + ...), z = s^2: here a polynomial that is nearest in
// the largest error (Chebyshev) to that series, to 2^-57.
INLINE Doubles logarithm(Doubles x) {
  Bits shifted = (Bits)x + (ONE - ROOT_HALF);
  Doubles k = (Doubles)((shifted >> 52) | WHOLE) - (TWO_52 + 1023.0);
  Doubles m = (Doubles)((shifted & MANTISSA) + ROOT_HALF);
  Doubles f = m - 1.0, s = f / (f + 2.0), z = s * s, w = z * z;
  Doubles odd = 0.39999999999899505 + w * (0.22222211134720407 + w * 0.15331721419709152);
  Doubles even = 0.666666666666667 +
                 w * (0.2857142862597594 + w * (0.18182889130702387 + w * 0.1461645192038882));
  Doubles series = z * (even + z * odd), half = 0.5 * f * f;
  return k * LOG2_HIGH + (f - (half - (s * (half + series) + k * LOG2_LOW)));
}

// Below this p, p log(p/q) adds nothing to a divergence, and powers of 2 may underflow.
constexpr double NOTHING = 0x1p-960;

// The same, off by two units in the last place of the largest of its terms: log m is no
// more exact than s. Sums over classes lose as much.
INLINE Doubles logarithm_in_sums(Doubles x) {
  Bits shifted = (Bits)x + (ONE - ROOT_HALF);
  Doubles k = (Doubles)((shifted >> 52) | WHOLE) - (TWO_52 + 1023.0);
  Doubles m = (Doubles)((shifted & MANTISSA) + ROOT_HALF);
  Doubles s = (m - 1.0) / (m + 1.0), z = s * s, w = z * z;
  Doubles odd = 0.39999999999899505 + w * (0.22222211134720407 + w * 0.15331721419709152);
  Doubles even = 0.666666666666667 +
                 w * (0.2857142862597594 + w * (0.18182889130702387 + w * 0.1461645192038882));
  return k * LOG2 + s * (2.0 + z * (even + z * odd));
}

// Two numbers p and q above 2^-960 beside each other: q 2^k is within a factor 1.5 of p.
//
// With s = (p - q 2^k) / (p + q 2^k) and z = s^2, the logarithm of p / (q 2^k) is
// 2 s + s z series, where series = 2/3 + 2/5 z + ... Nothing cancels where p is near q.
struct Beside {
  Doubles p, q, k, near, both, s, z, series;
  Bits exponents;  // k, and BIAS
  static constexpr uint64_t BIAS = 2000;  // keeps exponents positive

  INLINE Beside(Doubles p, Doubles q) : p(p), q(q) {
    exponents = ((Bits)p - (Bits)q + 0x0008000000000000ULL + (BIAS << 52)) >> 52;
    k = (Doubles)(exponents | WHOLE) - (TWO_52 + double(BIAS));
    near = (Doubles)((Bits)q + ((exponents - BIAS) << 52));
    both = p + near, s = (p - near) / both, z = s * s;
    const Doubles w = z * z;
    const Doubles even = 0.6666666666666666 + w * (0.28571428567339124 +
                         w * (0.18181738453897883 + w * 0.1321035983384665));
    const Doubles odd = 0.400000000000078 + w * (0.22222223037817732 +
                        w * (0.15388834710839874 + w * 0.13604020720570084));
    series = even + z * odd;
  }
  // log(p / q)
  INLINE Doubles log_ratio() const { return s * (2.0 + z * series) + k * LOG2; }
  // p log(p / q) - p + q: never negative but for rounding.
  INLINE Doubles divergence() const {
    return 0.5 * both * z * (2.0 + (1.0 + s) * s * series) + p * (k * LOG2) + (q - near);
  }
  // The same with p and q the other way round.
  INLINE Doubles reverse_divergence() const {
    const Doubles back = (Doubles)((BIAS + 1023 - exponents) << 52);  // 2^-k
    const Doubles of_near = 0.5 * both * z * (2.0 - (1.0 - s) * s * series);
    return back * of_near + p * (1.0 - back) - q * (k * LOG2);
  }
};

INLINE Doubles divergence_term(Doubles p, Doubles q) { return Beside(p, q).divergence(); }

// e^x - 1 and e^x, of x from -750 to 709, to a unit in the last place.
struct Exponential {
  Doubles less_one, itself;
};

// x = k log 2 + r with r within log(2) / 2 of 0, where e^r - 1 = r + r^2 (1/2 + r/6 + ...)
// is a polynomial that is nearest in the largest error (Chebyshev), to 2^-60. 2^k comes
// in two factors, as it may be below the smallest normal number.
INLINE Exponential exponential(Doubles x) {
  constexpr double SHIFT = 0x1.8p52;  // leaves the nearest whole number in the last bits
  constexpr uint64_t BIAS = 1024;     // keeps halves of exponents positive
  const Doubles shifted = x * 1.4426950408889634 + SHIFT, whole = shifted - SHIFT;
  const Doubles r = (x - whole * LOG2_HIGH) - whole * LOG2_LOW;
  const Bits k = (Bits)shifted - (Bits)all(SHIFT);
  const Bits half = (k + 2 * BIAS) >> 1;  // of k, and BIAS
  const Doubles first = (Doubles)((half - BIAS + 1023) << 52);
  const Doubles second = (Doubles)((k - half + BIAS + 1023) << 52);
  const Doubles z = r * r, w = z * z;
  const Doubles low = (0.5 + r * 0.1666666666666667) +
                      z * (0.04166666666666667 + r * 0.008333333333326112);
  const Doubles middle = (0.001388888888888373 + r * 0.0001984126987490126) +
                         z * (2.4801587325605324e-05 + r * 2.7557255297969643e-06);
  const Doubles high = (2.755727357010214e-07 + r * 2.5105259538448494e-08) +
                       z * 2.0914717341716378e-09;
  const Doubles less_one = r + z * (low + w * (middle + w * high));
  const Doubles power = first * second;
  return {less_one * power + (power - 1.0), (1.0 + less_one) * first * second};
}

// log(1 + x) of x from -1/2 to 1, exact to rounding also next to 0.
INLINE Doubles logarithm_of_one_plus(Doubles x) {
  const Doubles sum = 1.0 + x;
  return logarithm(sum) + (x - (sum - 1.0)) / sum;  // what the sum has lost
}

INLINE bool any(Mask mask) {
  int64_t found = 0;
  for (int i = 0; i < W; i++) found |= mask[i];
  return found != 0;
}

}  // namespace
