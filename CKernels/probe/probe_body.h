// The probes of one element type on one instruction set, inside a vocabulary (simd/vocabulary.h) and after defining
// CHAINS: more than FMA latency x FMA pipes, and no more than the registers hold beside four constants.

// Each step goes up by one map and down by its inverse, with other numbers in every lane: operands keep changing all
// their bits, as real data does. Constant ones cost less power, and a processor then clocks higher than any product
// sees.
static ELEMENT NAME(probe_fma)(int64_t iterations) {
    ELEMENT numbers[(CHAINS + 1) * LANES], sum = 0;
    uint64_t state = 1;
    for (int i = 0; i < (CHAINS + 1) * LANES; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        numbers[i] = (ELEMENT)(state >> 40) / (ELEMENT)(1 << 24) + (ELEMENT)0.5;
    }
    VECTOR acc[CHAINS], up = set1((ELEMENT)1.25), down = set1((ELEMENT)0.8), added = load(numbers + CHAINS * LANES);
    VECTOR removed = mul(added, set1((ELEMENT)-0.8));
    CK_UNROLL
    for (int i = 0; i < CHAINS; i++) acc[i] = load(numbers + i * LANES);
    for (int64_t n = 0; n < iterations; n++) {
        CK_UNROLL
        for (int i = 0; i < CHAINS; i++) acc[i] = fma(acc[i], up, added);
        CK_UNROLL
        for (int i = 0; i < CHAINS; i++) acc[i] = fma(acc[i], down, removed);
    }
    for (int i = 0; i < CHAINS; i++) {
        store(numbers, acc[i]);
        for (int lane = 0; lane < LANES; lane++) sum += numbers[lane];
    }
    return sum;
}
