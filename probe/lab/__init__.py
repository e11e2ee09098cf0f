"""A PairCam-like stack in one process, with knobs for what can go wrong."""

from probe.lab.lab import Lab

__all__ = ["Lab"]
