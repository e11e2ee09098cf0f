"""Names, addresses, connections and HTTP, with every failure as a phase and a cause."""
