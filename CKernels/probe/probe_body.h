// The probes of one element type on one instruction set, inside a vocabulary (simd/vocabulary.h) and after defining CHAINS:
// more than FMA latency x FMA pipes, and no more than the registers hold beside two constants.

static ELEMENT NAME(probe_fma)(int64_t iterations) {
    VECTOR acc[CHAINS], factor = set1((ELEMENT)0.5), addend = set1((ELEMENT)1);
    CK_UNROLL
    for (int i = 0; i < CHAINS; i++) acc[i] = set1((ELEMENT)i);
    for (int64_t n = 0; n < iterations; n++) {
        CK_UNROLL
        for (int i = 0; i < CHAINS; i++) acc[i] = fma(acc[i], factor, addend);
    }
    ELEMENT lanes[LANES], sum = 0;
    for (int i = 0; i < CHAINS; i++) {
        store(lanes, acc[i]);
        for (int lane = 0; lane < LANES; lane++) sum += lanes[lane];
    }
    return sum;
}
