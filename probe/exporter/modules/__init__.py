"""Modules of ``/probe``: what is probed and how, in blackbox_exporter's own keys."""
