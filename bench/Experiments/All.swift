extension Experiment {
    /// Every experiment, in the order of a course: first whether anything can be measured, then cores, sharing, memory, and whole programs.
    public static let all: [Experiment] = [
        .trust, .vectorization, .tinyOperations, .forkJoin, .breakEven, .coreToCore, .falseSharing, .adjacentLine, .atomics,
        .locks,
        .cacheLatency, .bandwidth, .loadedLatency, .hugePages, .numa, .roofline, .memoryLayout, .gradientAccumulation,
        .dataLoader,
        .sequentialChain, .batchInference, .hyperparameterSearch, .amdahl, .oversubscription,
    ]
}
