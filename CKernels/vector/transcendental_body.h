// exp, log and what is made of them for one number, in operations that every processor rounds alike. Loops over them
// are vectorised by the compiler: no branches, no calls. Inside a vocabulary; names end in the vocabulary's type and
// instruction set.
//
// Source of the method: argument reduction by the nearest power of two, a polynomial, 2^n put together from bits (Cody
// and Waite, "Software Manual for the Elementary Functions", 1980); log in double precision by atanh as in Sun's
// fdlibm. Coefficients are minimax, by Remez' exchange; the largest relative error of each polynomial stands beside
// it.

#define number_fma _Generic((ELEMENT)0, float: __builtin_fmaf, double: __builtin_fma)
#define IS_DOUBLE (sizeof(ELEMENT) == 8)
#define UNSIGNED __typeof__(_Generic((ELEMENT)0, float: (uint32_t)0, double: (uint64_t)0))
#define SIGNED __typeof__(_Generic((ELEMENT)0, float: (int32_t)0, double: (int64_t)0))
#define MANTISSA (IS_DOUBLE ? 52 : 23)
#define BIAS (IS_DOUBLE ? 1023 : 127)

// exp of a number between these is normal, and neither factor of its result is anything else.
#define EXP_SAFE (IS_DOUBLE ? (ELEMENT)708 : (ELEMENT)87)
// tanh of a larger number is 1.
#define TANH_ONE (IS_DOUBLE ? (ELEMENT)22 : (ELEMENT)10)

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

static inline CK_ALWAYS_INLINE ELEMENT NAME(absolute_of)(ELEMENT x) {
    return NAME(number_of)(NAME(bits_of)(x) & ~(UNSIGNED)0 >> 1);
}

// x = n log 2 + r, |r| <= log(2) / 2. n stands in the low bits of the number that is returned.
static inline CK_ALWAYS_INLINE ELEMENT NAME(exp_reduce)(ELEMENT x, ELEMENT *r) {
    const ELEMENT shift = IS_DOUBLE ? (ELEMENT)0x1.8p52 : (ELEMENT)0x1.8p23f;
    const ELEMENT shifted = number_fma(x, (ELEMENT)0x1.71547652b82fep0, shift), n = shifted - shift;
    // log 2 in two parts, the first short enough for n times it to be exact.
    *r = number_fma(n, IS_DOUBLE ? (ELEMENT)-0x1.62e42fefa38p-1 : (ELEMENT)-0x1.62ep-1f, x);
    *r = number_fma(n, IS_DOUBLE ? (ELEMENT)-0x1.ef35793c7673p-45 : (ELEMENT)-0x1.0bfbe8p-15f, *r);
    return shifted;
}

// (e^r - 1 - r) / r^2, so that e^r is within 2^-57.9 or 2^-28.2 of itself.
static inline CK_ALWAYS_INLINE ELEMENT NAME(exp_polynomial)(ELEMENT r) {
    static const double wide[] = {0x1.000000000000ap-1,  0x1.55555555554fap-3,  0x1.555555555087cp-5,
                                  0x1.1111111127be5p-7,  0x1.6c16c1842a126p-10, 0x1.a01a012a57b5ep-13,
                                  0x1.a0199a0c66195p-16, 0x1.71df255235e0bp-19, 0x1.28ad72cd4ab37p-22,
                                  0x1.ad7f6f0e24922p-26};
    static const float narrow[] = {0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558f2p-5f, 0x1.1239e2p-7f, 0x1.6a2432p-10f};
    const int degree = IS_DOUBLE ? 9 : 4;
#define COEFFICIENT(i) (IS_DOUBLE ? (ELEMENT)wide[i] : (ELEMENT)narrow[IS_DOUBLE ? 0 : (i)])
    ELEMENT p = COEFFICIENT(degree);
    CK_UNROLL
    for (int i = degree - 1; i >= 0; i--) p = number_fma(p, r, COEFFICIENT(i));
#undef COEFFICIENT
    return p;
}

static inline CK_ALWAYS_INLINE ELEMENT NAME(exp_of)(ELEMENT x) {
    // Beyond these the result is 0 or infinity anyway. NaN fails both comparisons and stays.
    const ELEMENT low = IS_DOUBLE ? (ELEMENT)-746 : (ELEMENT)-104, high = IS_DOUBLE ? (ELEMENT)710 : (ELEMENT)89;
    x = x < low ? low : x;
    x = x > high ? high : x;
    const ELEMENT shift = IS_DOUBLE ? (ELEMENT)0x1.8p52 : (ELEMENT)0x1.8p23f;
    ELEMENT r;
    const ELEMENT shifted = NAME(exp_reduce)(x, &r);
    const ELEMENT p = number_fma(number_fma(NAME(exp_polynomial)(r), r, (ELEMENT)1), r, (ELEMENT)1);
    // 2^n in two factors, so that subnormal results are rounded once and infinity is reached.
    const SIGNED power = (SIGNED)(NAME(bits_of)(shifted) - NAME(bits_of)(shift)), half = power >> 1;
    const ELEMENT first = NAME(number_of)((UNSIGNED)(half + BIAS) << MANTISSA);
    const ELEMENT second = NAME(number_of)((UNSIGNED)(power - half + BIAS) << MANTISSA);
    return p * first * second;
}

// The same bits for |x| <= EXP_SAFE: n is added to the exponent. Not for NaN.
static inline CK_ALWAYS_INLINE ELEMENT NAME(exp_of_safe)(ELEMENT x) {
    ELEMENT r;
    const ELEMENT shifted = NAME(exp_reduce)(x, &r);
    const ELEMENT p = number_fma(number_fma(NAME(exp_polynomial)(r), r, (ELEMENT)1), r, (ELEMENT)1);
    return NAME(number_of)(NAME(bits_of)(p) + (NAME(bits_of)(shifted) << MANTISSA));
}

static inline CK_ALWAYS_INLINE bool NAME(exp_is_safe)(ELEMENT x) { return NAME(absolute_of)(x) <= EXP_SAFE; }

// e^x of x <= 0 and NaN: +0 below -EXP_SAFE, so never subnormal.
static inline CK_ALWAYS_INLINE ELEMENT NAME(exp_of_negative)(ELEMENT x) {
    ELEMENT r;
    const ELEMENT shifted = NAME(exp_reduce)(x < -EXP_SAFE ? -EXP_SAFE : x, &r);
    const ELEMENT p = number_fma(number_fma(NAME(exp_polynomial)(r), r, (ELEMENT)1), r, (ELEMENT)1);
    const ELEMENT power = NAME(number_of)((NAME(bits_of)(shifted) + BIAS) << MANTISSA);
    return x < -EXP_SAFE ? (ELEMENT)0 : p * power;
}

// x = 2^e m with m in [sqrt(1/2), sqrt(2)), of a normal positive number.
static inline CK_ALWAYS_INLINE ELEMENT NAME(log_of_parts)(ELEMENT e, ELEMENT f) {
    const ELEMENT log2_low = IS_DOUBLE ? (ELEMENT)0x1.ef35793c7673p-45 : (ELEMENT)0x1.0bfbe8p-15f;
    const ELEMENT log2_high = IS_DOUBLE ? (ELEMENT)0x1.62e42fefa38p-1 : (ELEMENT)0x1.62ep-1f;
    ELEMENT result;
    if (IS_DOUBLE) {
        // log(1 + f) = f - s (f - R), s = f / (2 + f), R = s^2 (2/3 + 2 s^2/5 + ...) within 2^-59 of 2 atanh(s).
        static const double q[] = {0x1.5555555555592p-1, 0x1.999999997fd83p-2, 0x1.24924941f449fp-2,
                                   0x1.c71c5206a2a29p-3, 0x1.74663f807515ep-3, 0x1.39a1aa8bbf5b1p-3,
                                   0x1.2f060eb1d6d5fp-3};
        const ELEMENT s = f / (f + (ELEMENT)2), z = s * s;
        ELEMENT p = (ELEMENT)q[6];
        CK_UNROLL
        for (int i = 5; i >= 0; i--) p = number_fma(p, z, (ELEMENT)q[i]);
        result = number_fma(-s, number_fma(-p, z, f), e * log2_low);
    } else {
        // log(1 + f) = f - f^2/2 + f^3 P(f), within 2^-27.3 of itself: cheaper than a division.
        static const float q[] = {0x1.55554ap-2f, -0x1.00022p-2f,  0x1.99a598p-3f, -0x1.54788cp-3f,
                                  0x1.226e34p-3f, -0x1.0ce064p-3f, 0x1.07d172p-3f, -0x1.41ef94p-4f};
        const ELEMENT z = f * f;
        ELEMENT p = (ELEMENT)q[7];
        CK_UNROLL
        for (int i = 6; i >= 0; i--) p = number_fma(p, f, (ELEMENT)q[i]);
        result = number_fma((ELEMENT)-0.5, z, number_fma(p * f, z, e * log2_low));
    }
    return number_fma(e, log2_high, result + f);
}

// log of x from the bits of a normal number that is x times 2^-scaled. The exponent becomes a number by standing in
// the low bits of 2^MANTISSA.
static inline CK_ALWAYS_INLINE ELEMENT NAME(log_of_bits)(UNSIGNED normal, ELEMENT scaled) {
    const UNSIGNED one = (UNSIGNED)BIAS << MANTISSA, power = (UNSIGNED)(BIAS + MANTISSA) << MANTISSA;
    const UNSIGNED root_half = IS_DOUBLE ? (UNSIGNED)0x3fe6a09e667f3bcd : (UNSIGNED)0x3f3504f3;
    const UNSIGNED bits = normal + (one - root_half);
    const ELEMENT e =
        NAME(number_of)(power | bits >> MANTISSA) - ((ELEMENT)((UNSIGNED)1 << MANTISSA) + (ELEMENT)BIAS) - scaled;
    const ELEMENT m = NAME(number_of)((bits & (((UNSIGNED)1 << MANTISSA) - 1)) + root_half);
    return NAME(log_of_parts)(e, m - (ELEMENT)1);
}

static inline CK_ALWAYS_INLINE ELEMENT NAME(log_of)(ELEMENT x) {
    const ELEMENT smallest_normal = NAME(number_of)((UNSIGNED)1 << MANTISSA),
                  up = NAME(number_of)((UNSIGNED)(BIAS + MANTISSA) << MANTISSA);
    // Subnormal numbers are scaled into the normal range first.
    const ELEMENT normal = x < smallest_normal ? x * up : x;
    ELEMENT result = NAME(log_of_bits)(NAME(bits_of)(normal), x < smallest_normal ? (ELEMENT)MANTISSA : (ELEMENT)0);
    const ELEMENT infinity = NAME(number_of)((UNSIGNED)(2 * BIAS + 1) << MANTISSA);
    result = x == infinity ? infinity : result;
    result = x == 0 ? -infinity : result;
    return x >= 0 ? result : x < 0 ? NAME(number_of)(~(UNSIGNED)0 >> 1) : x;
}

// The same bits for positive normal numbers.
static inline CK_ALWAYS_INLINE ELEMENT NAME(log_of_safe)(ELEMENT x) {
    return NAME(log_of_bits)(NAME(bits_of)(x), (ELEMENT)0);
}

static inline CK_ALWAYS_INLINE bool NAME(log_is_safe)(ELEMENT x) {
    return NAME(bits_of)(x) - ((UNSIGNED)1 << MANTISSA) < (UNSIGNED)(2 * BIAS) << MANTISSA;
}

// 1 / (1 + e^-x) by e^-|x|, which does not overflow; +0 below -EXP_SAFE.
static inline CK_ALWAYS_INLINE ELEMENT NAME(sigmoid_of)(ELEMENT x) {
    const ELEMENT e = NAME(exp_of_negative)(-NAME(absolute_of)(x));
    return (x >= 0 ? (ELEMENT)1 : e) / ((ELEMENT)1 + e);
}

// -t / (t + 2) with t = e^(-2 |x|) - 1 = 2^n q + (2^n - 1), q = e^r - 1: no digits are lost near 0.
static inline CK_ALWAYS_INLINE ELEMENT NAME(tanh_of)(ELEMENT x) {
    const ELEMENT size = NAME(absolute_of)(x), near = size > TANH_ONE ? TANH_ONE : size;
    ELEMENT r;
    const ELEMENT shifted = NAME(exp_reduce)((ELEMENT)-2 * near, &r);
    const ELEMENT q = number_fma(NAME(exp_polynomial)(r) * r, r, r);
    const ELEMENT power = NAME(number_of)((NAME(bits_of)(shifted) + BIAS) << MANTISSA);
    const ELEMENT t = number_fma(power, q, power - (ELEMENT)1);
    const UNSIGNED sign = NAME(bits_of)(x) & (UNSIGNED)1 << (8 * sizeof(ELEMENT) - 1);
    return NAME(number_of)(NAME(bits_of)(NAME(absolute_of)(t / (t + (ELEMENT)2))) | sign);
}

// x sigmoid(2 u), u = sqrt(2/pi) (x + 0.044715 x^3): the tanh form of Hendrycks and Gimpel, "Gaussian Error Linear
// Units", 2016.
static inline CK_ALWAYS_INLINE ELEMENT NAME(gelu_of)(ELEMENT x) {
    const ELEMENT factor = (ELEMENT)0x1.9884533d43651p+0, cubic = (ELEMENT)0x1.2444f2a4d8b4bp-4;
    const ELEMENT gate = NAME(sigmoid_of)(x * number_fma(x * x, cubic, factor));
    return gate == 0 ? (ELEMENT)-0.0 : x * gate;
}
