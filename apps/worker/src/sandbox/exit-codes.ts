/** EX_TEMPFAIL of sysexits.h: the process could not work for want of something of ours. */
export const unavailableExitCode = 75
