"""What other people's systems say of the application: Fly's metrics and machines, and the
backend's own ``/metrics``. They are instruments, not targets: one that does not answer makes a
check unknown, never failed.
"""
