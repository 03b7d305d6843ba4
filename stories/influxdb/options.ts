import { duration, secret, serverUrl, tlsOptions, z } from 'healthz'

const stream = z.strictObject({
  database: z.string().min(1).meta({ description: 'the database, or the bucket of an InfluxDB 2' }),
  retention: z
    .string()
    .min(1)
    .meta({ description: 'its retention policy; the default one if left out' })
    .optional(),
  measurement: z.string().min(1),
  field: z.string().min(1),
  maxAge: duration('10m').meta({ description: 'how old the newest value may be' }),
  tooOld: duration()
    .meta({ description: 'from when on it is critical; three times maxAge if left out' })
    .optional(),
})

/** What `with:` of an entry may hold. */
export const options = z
  .strictObject({
    url: serverUrl('http:', 'https:'),
    user: z.string().min(1).meta({ description: 'of an InfluxDB 1' }).optional(),
    password: secret().optional(),
    token: secret().meta({ description: 'of an InfluxDB 2 or 3' }).optional(),
    ...tlsOptions(),
    expectDatabases: z
      .array(z.string().min(1))
      .meta({ description: 'databases (buckets of an InfluxDB 2) that must be there' })
      .default([]),
    fresh: z.array(stream).max(20).meta({ description: 'values that must keep coming in' }).default([]),
  })
  .refine(({ token, user, url }) => token === undefined || (user ?? url.user) === undefined, {
    error: '"token" is for InfluxDB 2 and 3, "user" for InfluxDB 1: give one of them',
  })

export type Options = z.output<typeof options>
export type Stream = Options['fresh'][number]
