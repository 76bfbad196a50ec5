/** Placeholders: type, mailbox, a number unique within the run, mailbox. About 300 bytes. */
export const bodyTemplate =
  '{"type":"%s","action":"event","account":{"campaign_id":%d,"first_name":"Suraj %d","last_name":"Jadhav","email":"mailbox-%d@sender.example","provider_type":"gmail","tags":["worthcoding","97694201"],"meta":"meta=4dd49f4f84e4d6945e3bc6d14812004e&tags=97694201"},"reason":"Smtp Connection Error"}'

/** The number of different mailboxes in a run. */
export const mailboxCount = 20_000

/** The body of a run's n-th event, for one of `mailboxes`. One in ten events of a mailbox reports a problem. */
export function eventBody(n: number, mailboxes = mailboxCount): string {
  const mailbox = n % mailboxes
  const type = (Math.floor(n / mailboxes) + mailbox) % 10 === 0 ? 'campaign.connection.problematic' : 'campaign.updated'
  const values = [type, mailbox, n, mailbox]
  return bodyTemplate.replaceAll(/%[sd]/g, () => String(values.shift()))
}
