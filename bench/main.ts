// Benchmarks arrive with the engine.
