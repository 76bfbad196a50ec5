import { mailivery } from './mailivery/source.ts'
import { reconcile } from './reconcile/source.ts'
import type { Source } from './source.ts'

/** Every known sender of webhooks, by its name in the webhook URL. */
export const sources: ReadonlyMap<string, Source> = new Map([[mailivery.name, mailivery]])

/** Everything that an envelope can come from: also readings of an API, which nobody can send. */
export const envelopeSources: ReadonlyMap<string, Source> = new Map([...sources, [reconcile.name, reconcile]])
