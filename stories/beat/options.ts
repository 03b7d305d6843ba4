import {
  clusterNodes,
  duration,
  redisOptions,
  redisPlaceFault,
  redisPlaceOptions,
  serverUrl,
  supervisedProgram,
  z,
} from 'healthz'

const shape = z.strictObject({
  url: serverUrl('redis:', 'rediss:')
    .meta({ description: 'where RedBeat keeps its schedule; its path names the database' })
    .optional(),
  user: z.string().min(1).optional(),
  ...redisOptions(),
  ...redisPlaceOptions('sentinel', 'cluster'),
  replicas: clusterNodes(),
  prefix: z.string().meta({ description: 'redbeat_key_prefix' }).default('redbeat:'),
  lock: z
    .union([z.string().min(1), z.literal(false)])
    .meta({
      description: 'redbeat_lock_key, or false where the lock is switched off; left out: that of the prefix',
    })
    .optional(),
  maxInterval: duration('5m').meta({ description: 'beat_max_loop_interval, or --max-interval of beat' }),
  expectEntries: z.int().min(0).meta({ description: 'how many entries must be there' }).optional(),
  file: z
    .string()
    .startsWith('/')
    .meta({ description: 'the schedule of the default scheduler on this host, as given by --schedule' })
    .optional(),
  beat: supervisedProgram().meta({ description: 'the program under supervisord that beat is' }).optional(),
})

export type Options = z.output<typeof shape>

/** What `with:` of an entry may hold. */
export const options = shape
  .refine((given) => isRedbeat(given) || given.file !== undefined, {
    error: 'needs "url" for RedBeat, or "file" for the default scheduler',
  })
  .check(({ value, issues }) => {
    const fault = redisPlaceFault({ ...value, url: value.url }, { isOptional: true })
    if (fault !== null) issues.push({ code: 'custom', input: undefined, ...fault })
  })

/** Whether the schedule lies in a Redis. */
export const isRedbeat = ({ url, mode }: Pick<Options, 'url' | 'mode'>) =>
  url !== undefined || mode !== 'standalone'

export const scheduleKey = ({ prefix }: Pick<Options, 'prefix'>) => `${prefix}:schedule`

/** Null where the lock is switched off. RedBeat puts the prefix before a name that lacks it. */
export function lockKey({ prefix, lock }: Pick<Options, 'prefix' | 'lock'>): string | null {
  if (lock === false) return null
  if (lock === undefined) return `${prefix}:lock`
  return lock.startsWith(prefix) ? lock : `${prefix}${lock}`
}
