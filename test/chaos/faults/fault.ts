import type { ChaosSite } from '../chaos-site.ts'
import type { Random } from '../random.ts'

/** One way to break a site. */
export interface Fault {
  readonly name: string
  /** Resolves at the moment when what was broken is whole again; a killed process is its supervisor's to bring back. */
  readonly inject: (site: ChaosSite, random: Random, lengths: FaultLengths) => Promise<void>
}

/** In ms. A short run has no time for long ones. */
export interface FaultLengths {
  /** How long a server is away or a peer unwell. */
  readonly away: { readonly least: number; readonly most: number }
}

export function drawAway(random: Random, { away }: FaultLengths): number {
  return random.between(away.least, away.most)
}
