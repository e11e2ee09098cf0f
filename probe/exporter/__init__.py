"""``/probe``: one run on request, with blackbox_exporter's conventions."""
