import type { CrmProperty } from '../crm-provider.ts'
import type { ContactField, Mapping, MappedProperty } from './mapping.ts'

/** How a field's property looks in a CRM. */
export const fieldDescriptions: Readonly<Record<ContactField, Omit<CrmProperty, 'name'>>> = {
  status: {
    label: 'Warm-up status',
    description: 'Status of the mailbox in Mailivery: pending, active, paused or removed',
    type: 'choice',
    options: ['pending', 'active', 'paused', 'removed'],
  },
  statusSince: described('Warm-up status since', 'When the mailbox got its current status', 'datetime'),
  pausedSince: described('Warm-up paused since', 'When the mailbox was paused; empty if it is not paused', 'datetime'),
  pauseReason: described('Warm-up pause reason', 'Why the mailbox is paused, as reported by Mailivery'),
  provider: described('Mailbox provider', "The mailbox's e-mail provider"),
  tags: described('Mailivery tags', "The mailbox's tags in Mailivery, separated by semicolons"),
  campaignId: described('Mailivery campaign id', "The mailbox's campaign in Mailivery"),
  campaignUrl: described('Mailivery campaign', "Link to the mailbox's campaign"),
  lastEventAt: described('Last Mailivery event', 'When Mailivery last reported on the mailbox', 'datetime'),
  owner: described('Warmhook owner', 'The owner to whom the mailbox belongs'),
  firstName: described('Mailbox first name', "First name of the mailbox's user"),
  lastName: described('Mailbox last name', "Last name of the mailbox's user"),
}

/** Without a mapping file. */
export const defaultMapping: Mapping = {
  properties: [
    defaultProperty('mailivery_warmup_status', 'status'),
    defaultProperty('mailivery_paused_since', 'pausedSince'),
    defaultProperty('mailivery_pause_reason', 'pauseReason'),
    defaultProperty('mailivery_provider', 'provider'),
    defaultProperty('mailivery_tags', 'tags'),
    defaultProperty('mailivery_campaign_id', 'campaignId'),
    defaultProperty('mailivery_last_event_at', 'lastEventAt'),
  ],
  campaignUrl: undefined,
}

/** A property for a field, described as the field is. */
function defaultProperty(name: string, field: ContactField): MappedProperty {
  return { property: { name, ...fieldDescriptions[field] }, source: { kind: 'field', field, values: new Map() } }
}

function described(label: string, description: string, type: CrmProperty['type'] = 'text'): Omit<CrmProperty, 'name'> {
  return { label, description, type, options: [] }
}
