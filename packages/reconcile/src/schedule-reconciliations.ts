import type { ReconcileJob } from '@warmhook/queue/catalog'
import type { Queue } from 'bullmq'

/**
 * Makes Redis begin a reconciliation of each owner every `everyMs`, and of no other owner. Repeated calls change nothing,
 * unless Redis has lost the schedule.
 */
export async function scheduleReconciliations(queue: Queue, owners: readonly string[], everyMs: number): Promise<void> {
  const wanted = new Map(owners.map((owner) => [toSchedulerId(owner), owner]))
  const known = new Map((await queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler.every]))
  for (const id of known.keys()) if (!wanted.has(id)) await queue.removeJobScheduler(id)
  for (const [id, owner] of wanted) {
    // An unchanged schedule is left alone: setting it again would move its next time.
    if (Number(known.get(id)) === everyMs) continue
    await queue.upsertJobScheduler(id, { every: everyMs }, { name: owner, data: { owner } satisfies ReconcileJob })
  }
}

/** An owner's name can contain characters that have a meaning in BullMQ's keys. */
function toSchedulerId(owner: string): string {
  return `owner-${Buffer.from(owner).toString('base64url')}`
}
