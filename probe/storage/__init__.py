"""What is kept on a disk, and what to do when the disk or a file on it fails."""
