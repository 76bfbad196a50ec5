import { mailivery } from './mailivery/source.ts'
import type { Source } from './source.ts'

/** Every known kind of sender, by its name in the webhook URL. */
export const sources: ReadonlyMap<string, Source> = new Map([[mailivery.name, mailivery]])
