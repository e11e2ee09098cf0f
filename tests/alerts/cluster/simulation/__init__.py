"""Several probes in one process on a clock that the test moves."""
