"""The boundary for what comes from outside: text, JSON and results are bounded and clean
where they enter, so that nothing behind it has to expect the worst."""
