import { workerData } from 'node:worker_threads'

/*
 * A separate thread, because the work may block the event loop. It ends the process if its parent is gone or the work
 * has used up its CPU time. CPU time excludes time spent waiting on a busy machine.
 */
const { parent, cpuLimitMs } = workerData as { readonly parent: number; readonly cpuLimitMs: number }
const before = process.cpuUsage()

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
  const { user, system } = process.cpuUsage(before)
  if ((user + system) / 1_000 > cpuLimitMs) process.kill(process.pid, 'SIGXCPU')
}, 500)
