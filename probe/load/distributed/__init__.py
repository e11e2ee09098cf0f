"""A load that several processes or machines share."""
