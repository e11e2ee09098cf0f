"""The probers of ``/probe``: from a module and a target to a check that the runner runs."""
