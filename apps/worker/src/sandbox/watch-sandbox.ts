import { workerData } from 'node:worker_threads'

/*
 * A thread beside the work, which may never yield: it ends the process when its parent is gone, and when the work has used
 * up its time on the processor. Time that a busy machine did not give it does not count.
 */
const { parent, cpuLimitMs } = workerData as { readonly parent: number; readonly cpuLimitMs: number }
const before = process.cpuUsage()

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
  const { user, system } = process.cpuUsage(before)
  if ((user + system) / 1_000 > cpuLimitMs) process.kill(process.pid, 'SIGXCPU')
}, 500)
