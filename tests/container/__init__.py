"""The image and its deployment: read, and built without a container engine."""
