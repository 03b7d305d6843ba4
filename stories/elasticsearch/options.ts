import { secret, serverUrl, tlsOptions, z } from 'healthz'

const timeZone = z.string().refine(isTimeZone, { error: 'not a time zone such as Europe/Berlin' })

/** What `with:` of an entry may hold. */
export const options = z.strictObject({
  nodes: z
    .array(serverUrl('http:', 'https:'))
    .min(1)
    .meta({ description: 'nodes of one cluster, such as https://es1:9200; the first that answers is asked' }),
  user: z.string().min(1).optional(),
  password: secret().optional(),
  apiKey: secret().meta({ description: 'an API key, as encoded, in place of user and password' }).optional(),
  ...tlsOptions(),
  expectNodes: z
    .int()
    .min(1)
    .meta({ description: 'how many nodes the cluster must have; left out: as many as "nodes" names' })
    .optional(),
  archives: z
    .array(z.string().min(1))
    .meta({ description: 'indices that are write-protected on purpose; * stands for anything' })
    .default([]),
  expectAliases: z
    .array(z.string().min(1))
    .meta({ description: 'aliases that must have an index behind them' })
    .default([]),
  families: z
    .array(
      z.strictObject({
        write: z.string().min(1).meta({ description: 'the alias that is written to' }),
        read: z.string().min(1).meta({ description: 'the alias that is searched' }).optional(),
        daily: z
          .boolean()
          .meta({
            description: "the name of the index holds today's date (20261231, 2026.12.31, 2026-12-31)",
          })
          .default(false),
        timeZone: timeZone.default('UTC'),
      }),
    )
    .meta({ description: 'indices that are rotated behind aliases' })
    .default([]),
  repositories: z
    .array(z.string().min(1))
    .meta({ description: 'snapshot repositories whose newest snapshot must not be old' })
    .default([]),
  policies: z
    .array(z.string().min(1))
    .meta({ description: 'snapshot policies (SLM; SM of OpenSearch) whose last success must not be old' })
    .default([]),
})

export type Options = z.output<typeof options>
export type Family = Options['families'][number]

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
