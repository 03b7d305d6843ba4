import { duration, redisOptions, redisPlaceFault, redisPlaceOptions, serverUrl, z } from 'healthz'

const node = () => serverUrl('redis:', 'rediss:')

const words = () => z.array(z.string().min(1)).min(1)

const length = () =>
  z.union([
    z.int().min(0),
    z.strictObject({ times: z.number().positive(), of: z.string().min(1), least: z.int().min(0).default(0) }),
  ])

const shape = z.strictObject({
  url: node().optional(),
  user: z.string().optional(),
  ...redisOptions(),
  ...redisPlaceOptions('sentinel', 'cluster'),
  use: z
    .enum(['cache', 'broker', 'store'])
    .meta({ description: 'what it is for: only a cache may lose keys' })
    .default('store'),
  durable: z.boolean().meta({ description: 'what it holds must survive a crash' }).default(false),
  replicas: z
    .array(node())
    .meta({ description: 'the other nodes; those without credentials take those of this entry' })
    .default([]),
  expectReplicas: z
    .int()
    .min(0)
    .meta({ description: 'how many replicas must follow each master' })
    .optional(),
  startingMax: duration('15m').meta({ description: 'how long it may take to load its data' }),
  expectSentinels: z
    .int()
    .min(1)
    .meta({ description: 'how many sentinels must be there; left out: those named here' })
    .optional(),
  keys: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        max: length().meta({
          description:
            'how long it may be: a number, or so many times another key, and never less than "least"',
        }),
        critical: length().meta({ description: 'from which length on it is critical' }).optional(),
        consumer: z.string().min(1).meta({ description: 'who takes from it, for the advice' }).optional(),
        start: words()
          .meta({ description: 'the words of a command that starts who takes from it' })
          .optional(),
      }),
    )
    .meta({ description: 'lists, sets, hashes and streams that must not grow long' })
    .default([]),
  fresh: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        maxAge: duration().meta({ description: 'how long ago it may have been written' }),
        timeout: duration()
          .meta({
            description: 'the time to live that it is written with; its age follows from what is left',
          })
          .optional(),
        field: z
          .string()
          .min(1)
          .meta({
            description: 'the field of a hash that holds the time; without it and "timeout" the value is',
          })
          .optional(),
        allowEmpty: z.boolean().meta({ description: 'it may be missing' }).default(false),
        writer: z.string().min(1).meta({ description: 'who writes it, for the advice' }).optional(),
      }),
    )
    .meta({ description: 'keys that a job must write again and again' })
    .default([]),
})

export type RedisOptions = z.output<typeof shape>

/** What `with:` of an entry may hold. */
export const options = shape.check(({ value, issues }) => {
  const fault = faultOf(value)
  if (fault !== null) issues.push({ code: 'custom', input: undefined, ...fault })
})

/** What the schema of single options cannot see; null when all is well. */
function faultOf(given: RedisOptions) {
  const { url, fresh, expectSentinels } = given
  const fault = redisPlaceFault({ ...given, url }, { hasReplicas: true, sentinelOnly: { expectSentinels } })
  const twofold = fresh.findIndex(({ timeout, field }) => timeout !== undefined && field !== undefined)
  if (fault !== null || twofold < 0) return fault
  return { path: ['fresh', twofold], message: 'give "timeout" or "field": its age is read in one way only' }
}
