/** A message without the parts that differ between contacts: rejections alike have the same kind. */
export function kindOfMessage(message: string): string {
  return message.slice(0, 1_000).replaceAll(/"[^"]*"|\S+@\S+|\d+/g, '…')
}
