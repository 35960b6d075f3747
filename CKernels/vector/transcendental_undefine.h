// Ends transcendental_body.h, so that it can be included for another vocabulary.
#undef number_fma
#undef IS_DOUBLE
#undef UNSIGNED
#undef SIGNED
#undef MANTISSA
#undef BIAS
#undef EXP_SAFE
#undef TANH_ONE
