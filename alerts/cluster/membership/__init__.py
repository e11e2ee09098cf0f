"""The members of the cluster: their addresses, how they are asked, how they are set up."""
