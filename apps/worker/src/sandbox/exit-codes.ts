/** EX_TEMPFAIL of sysexits.h: the process could not work because a service it depends on is unavailable. */
export const unavailableExitCode = 75
