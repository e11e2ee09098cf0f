"""What a load measures: latencies, outcomes over time, and the generator itself."""
