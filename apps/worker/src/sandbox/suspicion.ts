/** A job with several items whose process died so often while it had the job is split, so that a suspect stands alone. */
export const splitAfterStalls = 2

/**
 * What stands alone is tried in a sandbox then. That costs a second of a processor, and workers that are killed a few
 * times in a row have many such jobs in progress, all of them innocent.
 */
export const sandboxAfterStalls = 4
