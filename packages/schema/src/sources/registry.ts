import { mailivery } from './mailivery/source.ts'
import type { Source } from './source.ts'

/** Every known kind of sender, by the name that stands in its webhook URL. */
export const sources: ReadonlyMap<string, Source> = new Map([[mailivery.name, mailivery]])
