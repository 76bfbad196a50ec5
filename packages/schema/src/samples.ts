import type { WebhookType } from './mailbox-event.ts'

/**
 * The five payloads as printed in Mailivery's reference, quirks included, for trying out an installation and for tests.
 * They are strings because a verbatim payload is bytes, not an object.
 */
export const samplePayloads: Readonly<Record<WebhookType, string>> = {
  'campaign.pending': `{
  "type": "campaign.pending",
  "action": "pending",
  "account": {
    "campaign_id": 216,
    "first_name": "Suraj",
    "lalst_name": "Jadhav",
    "email": "[email protected]",
    "provider_type": "office",
    "tags": [
      "worthcoding",
      "97694201"
    ],
    "meta": "meta=4dd49f4f84e4d6945e3bc6d14812004e&tags=97694201,%20worthcoding"
  }
}`,
  'campaign.created': `{
  "type": "campaign.created",
  "action": "created",
  "account": {
    "campaign_id": 203,
    "first_name": "Josh",
    "last_name": "Cohen",
    "email": "[email protected]",
    "provider_type": "gmail",
    "tags": [
      "worthcoding",
      "97694201"
    ],
    "meta": null
  }
}`,
  'campaign.updated': `{
  "type": "campaign.updated",
  "action": "updated",
  "account": {
    "campaign_id": 198,
    "first_name": "Suraj",
    "last_name": "Jadhav",
    "email": "[email protected]",
    "meta": ""
  }
}`,
  'campaign.deleted': `{
  "type": "campaign.deleted",
  "action": "deleted",
  "account": {
    "campaign_id": 209,
    "first_name": "Josh",
    "last_name": "Cohen",
    "email": "[email protected]",
    "type": "smtp",
    "meta": null
  }
}`,
  'campaign.connection.problematic': `{
  "type": "campaign.connection.problematic",
  "action": "system_notification",
  "reason": "Smtp Connection Error",
  "account": {
    "id": 218,
    "first_name": "Josh Cohen",
    "last_name": "Cohen",
    "email": "[email protected]",
    "provider_type": "smtp",
    "tags": [
      "mailivery",
      "worthcoding"
    ],
    "meta": null
  }
}`,
}
