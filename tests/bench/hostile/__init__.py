"""``make bench-hostile``: what a hostile target costs its neighbours, plain and over TLS.

Each hostile server runs in a process of its own. The checks run in another one: a healthy page,
again and again, first alone, then near a check of the hostile server that begins anew 30 ms after
it ended, then alone once more. Printed are p50 and p95 of the healthy page, the longest turn of the
event loop (wall clock, and CPU of its thread, which other programs of a busy machine don't
lengthen), and how much memory the process took.

Each server's figures are kept in a file under ``build``: what was stopped goes on where it was, as
long as ``probe`` is the same. Servers whose figures miss the goal are measured twice more, and the
middle one of the three counts: next to other programs, a p95 of two seconds is noise.

``BEFORE=folder`` measures an earlier checkout (with its own ``.venv``) for comparison.
"""
