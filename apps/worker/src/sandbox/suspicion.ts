/** A job with several items is split after this many stalls, to isolate the item that may kill its process. */
export const splitAfterStalls = 2

/**
 * A single item is run in a sandbox after this many stalls. A sandbox costs a second of CPU time, and workers that are
 * killed several times in a row have many harmless jobs in progress.
 */
export const sandboxAfterStalls = 4
