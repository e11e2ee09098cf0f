"""Exit codes other than those of a verdict; numbers that scripts rely on."""

USAGE_ERROR = 64
# An unexpected exception (sysexits.h: EX_SOFTWARE).
DEFECT = 70
# The report can't be written (sysexits.h: EX_IOERR).
OUTPUT_ERROR = 74
INTERRUPTED = 130
TERMINATED = 143
