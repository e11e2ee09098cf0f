"""Exit codes beside those of a verdict; numbers that scripts rely on."""

USAGE_ERROR = 64
# An exception that nobody has foreseen (sysexits.h: EX_SOFTWARE).
DEFECT = 70
# What was found could not be told: the report can't be written (sysexits.h: EX_IOERR).
OUTPUT_ERROR = 74
INTERRUPTED = 130
TERMINATED = 143
