"""Workshop: benchmarks. Imports gem only."""
