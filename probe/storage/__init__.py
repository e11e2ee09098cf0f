"""Files on disk, and recovery when the disk or a file on it fails."""
