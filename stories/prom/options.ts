import { duration, limit, secret, serverUrl, tlsOptions, z } from 'healthz'

const name = () => z.string().min(1).max(100)

const rule = z
  .strictObject({
    name: name().meta({ description: 'how people are told of it' }),
    query: z.string().min(1).meta({ description: 'in PromQL' }),
    warn: limit()
      .meta({ description: 'what no value may be; without warn and crit each series is a problem' })
      .optional(),
    crit: limit().optional(),
    severity: z
      .enum(['warning', 'critical'])
      .meta({ description: 'of a rule without limits' })
      .default('warning'),
    noData: z
      .enum(['unknown', 'ok', 'problem'])
      .meta({ description: 'what it means for a rule with limits that there is no series' })
      .default('unknown'),
    confirm: z.int().min(1).meta({ description: 'bad tellings in a row before it is believed' }).optional(),
    advice: z.string().min(1).optional(),
  })
  .refine(({ warn, crit, noData }) => noData === 'unknown' || warn !== undefined || crit !== undefined, {
    error: '"noData" goes with "warn" or "crit"',
  })

const page = z.strictObject({
  url: serverUrl('http:', 'https:').meta({ description: 'a page of metrics' }),
  name: name().meta({ description: 'how people are told of it; host and port if left out' }).optional(),
  user: z.string().min(1).optional(),
  password: secret().optional(),
  token: secret().meta({ description: 'sent as "Authorization: Bearer"' }).optional(),
  ...tlsOptions(),
  match: z.string().min(1).meta({ description: 'a part of the name of the counters' }).default('_dropped_'),
  delta: z.number().min(0).meta({ description: 'an increase between two tellings that is fine' }).default(0),
  critical: z
    .array(z.string().min(1))
    .meta({ description: 'an increase is critical where the name of the counter begins so' })
    .default([]),
})

/** How people are told of a page. */
export const pageName = ({ name, url }: z.output<typeof page>) => name ?? url.url.host

/** What `with:` of an entry may hold. */
export const options = z
  .strictObject({
    url: serverUrl('http:', 'https:')
      .meta({
        description: 'of a Prometheus, or of what speaks its API; left out where only pages are scraped',
      })
      .optional(),
    user: z.string().min(1).optional(),
    password: secret().optional(),
    token: secret().meta({ description: 'sent as "Authorization: Bearer"' }).optional(),
    ...tlsOptions(),
    timeout: duration('5s').meta({ description: 'how long a query may take' }),
    queries: z.array(rule).max(50).default([]),
    scrape: z.array(page).max(20).meta({ description: 'pages whose counters must not increase' }).default([]),
  })
  .refine(({ url, scrape }) => url !== undefined || scrape.length > 0, {
    error: 'give "url" or "scrape"',
  })
  .refine(({ url, queries }) => url !== undefined || queries.length === 0, {
    error: '"queries" needs "url"',
  })
  .refine(({ queries }) => new Set(queries.map(({ name }) => name)).size === queries.length, {
    error: 'two of "queries" have one name',
  })
  .refine(({ scrape }) => new Set(scrape.map(pageName)).size === scrape.length, {
    error: 'two of "scrape" have one name: give each a "name"',
  })

export type Options = z.output<typeof options>
export type Rule = Options['queries'][number]
export type Page = Options['scrape'][number]
