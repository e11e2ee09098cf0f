"""Tests of the TURN client."""
