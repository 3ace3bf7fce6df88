"""How good an answer is: metrics with intervals, and the reports of benchmarks."""
