"""What a browser may be made to request by a page of somebody else."""
