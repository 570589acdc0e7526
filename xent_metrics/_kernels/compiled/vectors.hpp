// Vectors of W doubles, and two functions of them: the logarithm, and p log(p/q) - p + q.
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

// p log(p / q) - p + q of p and q above 2^-960: never negative but for rounding, and
// exact to rounding also where p is near q, as nothing cancels.
//
// q 2^k is within a factor 1.5 of p. With s = (p - q 2^k) / (p + q 2^k), z = s^2,
// p log(p / q 2^k) - p + q 2^k = (p + q 2^k) / 2 z (2 + (1 + s) s (2/3 + 2/5 z + ...)).
INLINE Doubles divergence_term(Doubles p, Doubles q) {
  constexpr uint64_t BIAS = 2000;  // keeps exponents positive
  Bits exponents = ((Bits)p - (Bits)q + 0x0008000000000000ULL + (BIAS << 52)) >> 52;
  Doubles k = (Doubles)(exponents | WHOLE) - (TWO_52 + double(BIAS));
  Doubles near = (Doubles)((Bits)q + ((exponents - BIAS) << 52));
  Doubles both = p + near, s = (p - near) / both, z = s * s, w = z * z;
  Doubles even = 0.6666666666666666 + w * (0.28571428567339124 +
                 w * (0.18181738453897883 + w * 0.1321035983384665));
  Doubles odd = 0.400000000000078 + w * (0.22222223037817732 +
                w * (0.15388834710839874 + w * 0.13604020720570084));
  Doubles series = even + z * odd;
  return 0.5 * both * z * (2.0 + (1.0 + s) * s * series) + p * (k * LOG2) + (q - near);
}

INLINE bool any(Mask mask) {
  int64_t found = 0;
  for (int i = 0; i < W; i++) found |= mask[i];
  return found != 0;
}

}  // namespace
