// exp and log of one number, in operations that every processor rounds alike. Loops over them are vectorised by the
// compiler: no branches, no calls. Inside a vocabulary; names end in the vocabulary's type and instruction set.
//
// Source of the method: argument reduction by the nearest power of two, Taylor polynomial, 2^n put together from bits
// (Cody and Waite, "Software Manual for the Elementary Functions", 1980); log by atanh as in Sun's fdlibm.

#define number_fma _Generic((ELEMENT)0, float: __builtin_fmaf, double: __builtin_fma)
#define IS_DOUBLE (sizeof(ELEMENT) == 8)
#define UNSIGNED __typeof__(_Generic((ELEMENT)0, float: (uint32_t)0, double: (uint64_t)0))
#define SIGNED __typeof__(_Generic((ELEMENT)0, float: (int32_t)0, double: (int64_t)0))

static inline CK_ALWAYS_INLINE UNSIGNED NAME(bits_of)(ELEMENT x) {
    UNSIGNED bits;
    __builtin_memcpy(&bits, &x, sizeof x);
    return bits;
}

static inline CK_ALWAYS_INLINE ELEMENT NAME(number_of)(UNSIGNED bits) {
    ELEMENT x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

static inline CK_ALWAYS_INLINE ELEMENT NAME(exp_of)(ELEMENT x) {
    const int mantissa = IS_DOUBLE ? 52 : 23, bias = IS_DOUBLE ? 1023 : 127;
    // Beyond these the result is 0 or infinity anyway. NaN fails both comparisons and stays.
    const ELEMENT low = IS_DOUBLE ? (ELEMENT)-746 : (ELEMENT)-104, high = IS_DOUBLE ? (ELEMENT)710 : (ELEMENT)89;
    x = x < low ? low : x;
    x = x > high ? high : x;
    // n = x / log 2 to the nearest integer: adding 1.5 * 2^mantissa rounds it into the low bits.
    const ELEMENT shift = IS_DOUBLE ? (ELEMENT)0x1.8p52 : (ELEMENT)0x1.8p23f;
    const ELEMENT shifted = number_fma(x, (ELEMENT)0x1.71547652b82fep0, shift), n = shifted - shift;
    // log 2 in two parts, the first short enough for n times it to be exact.
    ELEMENT r = number_fma(n, IS_DOUBLE ? (ELEMENT)-0x1.62e42fefa38p-1 : (ELEMENT)-0x1.62ep-1f, x);
    r = number_fma(n, IS_DOUBLE ? (ELEMENT)-0x1.ef35793c7673p-45 : (ELEMENT)-0x1.0bfbe8p-15f, r);
    // |r| <= log(2) / 2: the next term is below 2^-57, or 2^-27, of the sum.
    static const double inverse_factorial[] = {
        1.0,        1.0,         1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
        1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
    const int degree = IS_DOUBLE ? 13 : 7;
    ELEMENT p = (ELEMENT)inverse_factorial[degree];
    CK_UNROLL
    for (int i = degree - 1; i >= 0; i--) p = number_fma(p, r, (ELEMENT)inverse_factorial[i]);
    // 2^n in two factors, so that subnormal results are rounded once and infinity is reached.
    const SIGNED power = (SIGNED)(NAME(bits_of)(shifted) - NAME(bits_of)(shift)), half = power >> 1;
    const ELEMENT first = NAME(number_of)((UNSIGNED)(half + bias) << mantissa);
    const ELEMENT second = NAME(number_of)((UNSIGNED)(power - half + bias) << mantissa);
    return p * first * second;
}

static inline CK_ALWAYS_INLINE ELEMENT NAME(log_of)(ELEMENT x) {
    const int mantissa = IS_DOUBLE ? 52 : 23, bias = IS_DOUBLE ? 1023 : 127;
    const UNSIGNED one = (UNSIGNED)bias << mantissa,
                   root_half = IS_DOUBLE ? (UNSIGNED)0x3fe6a09e667f3bcd : (UNSIGNED)0x3f3504f3;
    const ELEMENT smallest = NAME(number_of)((UNSIGNED)1 << mantissa),
                  up = NAME(number_of)((UNSIGNED)(bias + mantissa) << mantissa);
    // Subnormal numbers are scaled into the normal range first.
    const ELEMENT normal = x < smallest ? x * up : x;
    const UNSIGNED bits = NAME(bits_of)(normal) + (one - root_half);
    // x = 2^e * m with m in [sqrt(1/2), sqrt(2)). The exponent becomes a number by standing in the low bits of
    // 2^mantissa.
    const UNSIGNED power = (UNSIGNED)(bias + mantissa) << mantissa;
    const ELEMENT e = NAME(number_of)(power | bits >> mantissa) -
                      ((ELEMENT)((UNSIGNED)1 << mantissa) + (ELEMENT)bias) -
                      (x < smallest ? (ELEMENT)mantissa : (ELEMENT)0);
    const ELEMENT m = NAME(number_of)((bits & (((UNSIGNED)1 << mantissa) - 1)) + root_half);
    // log(1 + f) = f - s * (f - R), s = f / (2 + f), R = 2 s^2 (1/3 + s^2/5 + ...).
    const ELEMENT f = m - (ELEMENT)1, s = f / (f + (ELEMENT)2), z = s * s;
    const int terms = IS_DOUBLE ? 10 : 5;
    ELEMENT q = (ELEMENT)(2.0 / (2 * terms + 1));
    CK_UNROLL
    for (int i = terms - 1; i >= 1; i--) q = number_fma(q, z, (ELEMENT)(2.0 / (2 * i + 1)));
    const ELEMENT deviation = number_fma(-q, z, f);
    ELEMENT result =
        number_fma(-s, deviation, e * (IS_DOUBLE ? (ELEMENT)0x1.ef35793c7673p-45 : (ELEMENT)0x1.0bfbe8p-15f));
    result = number_fma(e, IS_DOUBLE ? (ELEMENT)0x1.62e42fefa38p-1 : (ELEMENT)0x1.62ep-1f, result + f);
    const ELEMENT infinity = NAME(number_of)((UNSIGNED)(2 * bias + 1) << mantissa);
    result = x == infinity ? infinity : result;
    result = x == 0 ? -infinity : result;
    return x >= 0 ? result : x < 0 ? NAME(number_of)(~(UNSIGNED)0 >> 1) : x;
}
