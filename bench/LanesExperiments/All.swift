extension Experiment {
    /// Every experiment, in the order of a course: first whether anything can be measured, then cores, sharing, memory, and whole
    /// programs; at last what single cores and the system do slowly.
    public static let all: [Experiment] = [
        .trust, .vectorization, .tinyOperations, .forkJoin, .breakEven, .coreToCore, .falseSharing, .adjacentLine, .atomics,
        .locks,
        .cacheLatency, .bandwidth, .loadedLatency, .hugePages, .numa, .roofline, .memoryLayout, .gradientAccumulation,
        .dataLoader,
        .sequentialChain, .batchInference, .hyperparameterSearch, .amdahl, .oversubscription,
        .branches, .storeForwarding, .splitAccess, .aliasing, .associativity, .addressCaches, .prefetching, .pageFaults,
        .switches,
        .subnormals, .ports, .precision,
    ]
}
