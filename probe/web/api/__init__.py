"""The HTTP API below ``/api/v1``: status, checks, incidents, silences, annotations, announcements.

``operations`` lists what there is, once: requests are routed by it, and ``openapi`` describes it.
"""
