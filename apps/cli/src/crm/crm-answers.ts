/** The board's answers about CRM accounts, as far as commands read them; see the API's OpenAPI document. */
export interface CrmPlan {
  readonly provider: string
  readonly properties: number
  readonly missing: readonly {
    readonly name: string
    readonly label: string
    readonly description: string
    readonly type: string
  }[]
  readonly conflicts: readonly { readonly name: string; readonly problem: string }[]
}

export interface CrmOwner {
  readonly owner: string
  readonly provider: string | null
}

export interface CrmComparison {
  readonly checked: number
  readonly differences: readonly {
    readonly email: string
    readonly campaignId: number
    readonly isMissing: boolean
    readonly properties: readonly {
      readonly property: string
      readonly inCrm: string | number | null
      readonly expected: string | number | null
    }[]
  }[]
  readonly next: number | null
  readonly queued: number
}

export interface Stats {
  readonly mailboxes: Readonly<Record<string, number>>
}
