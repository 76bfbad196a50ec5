import type { CrmProviderName } from '@warmhook/config/crm-fields'
import type { CrmProviderKind } from './crm-provider.ts'
import { attio } from './attio/attio-provider.ts'
import { http } from './http/http-provider.ts'
import { hubspot } from './hubspot/hubspot-provider.ts'
import { pipedrive } from './pipedrive/pipedrive-provider.ts'

/** All kinds of CRM. To add one, create a folder next to the others and add it here. */
export const crmProviders: Readonly<Record<CrmProviderName, CrmProviderKind>> = { hubspot, pipedrive, attio, http }
