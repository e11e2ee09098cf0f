"""Uptime by time: of checks, providers and services, from results and their aggregates."""
