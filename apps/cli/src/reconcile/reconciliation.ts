/** A reconciliation in the board's answers. */
export interface Reconciliation {
  readonly id: string
  readonly owner: string
  readonly dryRun: boolean
  readonly state: 'running' | 'done' | 'failed' | 'waiting'
  readonly checked: number
  readonly opened: number
  readonly closed: number
  readonly added: number
  readonly vanished: number
  readonly changed: number
  readonly confirmed: number
  readonly unclear: number
  readonly error: string | null
}
