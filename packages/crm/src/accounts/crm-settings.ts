import type { CrmMode, CrmOnDelete, CrmProviderName } from '@warmhook/config/crm-fields'
import type { CrmAccess } from '../crm-provider.ts'
import type { Mapping } from '../mapping/mapping.ts'

/** One account of a CRM. */
export interface CrmAccount {
  /** Identifies its contacts in `crm_sync`. */
  readonly id: string
  /** Identifies its gate and its rate budget. A digest of the access, so it changes with the token. */
  readonly key: string
  readonly provider: CrmProviderName
  readonly access: CrmAccess
}

/** How an owner's contacts are kept. */
export interface OwnerCrm {
  readonly account: CrmAccount
  readonly mode: CrmMode
  readonly onDelete: CrmOnDelete
  readonly mapping: Mapping
}

/** The CRM settings of an installation. */
export interface CrmSettings {
  /** For owners without settings of their own; undefined if the environment has no account. */
  readonly fallback: OwnerCrm | undefined
  readonly byOwner: ReadonlyMap<string, OwnerCrm>
  /** All owners with endpoints. */
  readonly owners: readonly string[]
  /** A contact can show any owner's mailbox. */
  readonly isShared: boolean
}

/** All owners. Without endpoints of its own, an installation has the one owner `default`. */
export function ownersOf({ owners }: CrmSettings): readonly string[] {
  return owners.length === 0 ? ['default'] : owners
}

/** Whether any owner has a CRM. */
export function hasCrm({ fallback, byOwner }: CrmSettings): boolean {
  return fallback !== undefined || byOwner.size > 0
}

/** The CRM of an owner; undefined if the owner has none. */
export function crmOf(
  { fallback, byOwner }: Pick<CrmSettings, 'fallback' | 'byOwner'>,
  owner: string,
): OwnerCrm | undefined {
  return byOwner.get(owner) ?? fallback
}
