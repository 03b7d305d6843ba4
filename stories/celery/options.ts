import {
  duration,
  redisOptions,
  redisPlaceFault,
  redisPlaceOptions,
  type ServerUrl,
  serverUrl,
  supervisedProgram,
  z,
} from 'healthz'

const shape = z.strictObject({
  broker: serverUrl('redis:', 'rediss:', 'amqp:', 'amqps:')
    .meta({
      description:
        'as the workers have it; its path names the database of a Redis, or the virtual host; in place of sentinel:// stands "mode: sentinel"',
    })
    .optional(),
  user: z.string().min(1).optional(),
  ...redisOptions(),
  ...redisPlaceOptions('sentinel'),
  queues: z
    .array(z.string().min(1))
    .min(1)
    .meta({ description: 'the queues of the tasks' })
    .default(['celery']),
  expectWorkers: z
    .array(z.string().min(1))
    .meta({ description: 'workers that must answer, by their full names: w1@host1' })
    .default([]),
  minWorkers: z.int().min(0).meta({ description: 'how many workers must answer' }).default(1),
  answerWithin: duration('3s').meta({ description: 'how long the answers of the workers are waited for' }),
  taskMax: z
    .record(z.string().min(1), duration())
    .meta({ description: 'how long a task of this name may run; * for all others' })
    .optional(),
  priorities: z
    .array(z.int().min(0).max(255))
    .min(1)
    .meta({ description: 'priority_steps of the transport options; Redis only' })
    .default([0, 3, 6, 9]),
  keyPrefix: z
    .string()
    .meta({ description: 'global_keyprefix of the transport options; Redis only' })
    .default(''),
  fanoutPrefix: z
    .string()
    .meta({ description: 'fanout_prefix of the transport options; Redis only' })
    .default('/{db}.'),
  visibilityTimeout: duration('1h').meta({
    description: 'visibility_timeout of the transport options; Redis only',
  }),
  programs: z
    .array(
      supervisedProgram().extend({
        workers: z
          .array(z.string().min(1))
          .meta({ description: 'the workers it runs, by name; * stands for anything' })
          .default(['*']),
      }),
    )
    .meta({ description: 'the programs under supervisord that the workers are' })
    .default([]),
})

export type Options = z.output<typeof shape>

/** What `with:` of an entry may hold. */
export const options = shape.check(({ value, issues }) => {
  const fault = redisPlaceFault({ ...value, url: value.broker }, { url: 'broker' })
  if (fault !== null) issues.push({ code: 'custom', input: undefined, ...fault })
})

/** Of an entry whose broker is not found by sentinels. */
export type UrlOptions = Options & { readonly broker: ServerUrl }

/** Whether the broker is a Redis or Valkey. */
export const isRedis = ({ broker }: Pick<Options, 'broker'>) =>
  broker === undefined || broker.url.protocol.startsWith('redis')

/** The number of the database of a Redis. */
export const databaseOf = ({ broker, database = 0 }: Pick<Options, 'broker' | 'database'>) =>
  broker === undefined ? String(database) : broker.url.pathname.slice(1) || '0'
