"""The members of the cluster: their addresses, how they are queried, how they are set up."""
