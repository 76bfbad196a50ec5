import type { ChaosSite } from '../chaos-site.ts'
import type { Random } from '../random.ts'

/** One way to break a site. */
export interface Fault {
  readonly name: string
  /** Resolves once everything is repaired; a killed process is restarted by its supervisor. */
  readonly inject: (site: ChaosSite, random: Random, lengths: FaultLengths) => Promise<void>
}

/** In ms. Short runs use short faults. */
export interface FaultLengths {
  /** How long a server is stopped or a peer fails. */
  readonly outage: { readonly least: number; readonly most: number }
}

export function drawOutage(random: Random, { outage }: FaultLengths): number {
  return random.between(outage.least, outage.most)
}
