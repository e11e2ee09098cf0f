"""Real daemons, each in a network namespace of its own, under partitions, kills and restarts.

``python -m tests.regions`` runs one situation, random faults or a measurement, and prints what
came of it. Each run is a process in namespaces of its own, so that several can run side by side
and nothing of the machine's network is touched.
"""
