/** What came back over HTTP; status 0 when nothing did. */
export interface HubspotAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}
