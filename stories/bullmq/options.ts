import {
  clusterNodes,
  redisOptions,
  redisPlaceFault,
  redisPlaceOptions,
  serverUrl,
  slotOf,
  supervisedProgram,
  z,
} from 'healthz'

const shape = z.strictObject({
  url: serverUrl('redis:', 'rediss:').meta({ description: 'the Redis that holds the queues' }).optional(),
  user: z.string().optional(),
  ...redisOptions(),
  ...redisPlaceOptions('sentinel', 'cluster'),
  replicas: clusterNodes(),
  prefix: z
    .string()
    .min(1)
    .meta({ description: 'what the keys begin with; in a cluster with a hash tag, such as {bull}' })
    .default('bull'),
  queues: z
    .array(z.string().regex(/^[^:]+$/, { error: 'not the name of a queue: it has no colon' }))
    .min(1)
    .max(100)
    .meta({ description: 'the names of the queues' }),
  worker: supervisedProgram()
    .extend({
      queues: z
        .array(z.string().min(1))
        .meta({ description: 'the queues that it works on; left out: all' })
        .optional(),
    })
    .meta({ description: 'the program to start when a queue has lost its workers' })
    .optional(),
})

export type Options = z.output<typeof shape>

/** What `with:` of an entry may hold. */
export const options = shape.check(({ value, issues }) => {
  const fault = redisPlaceFault({ ...value, url: value.url }) ?? slotFault(value)
  if (fault !== null) issues.push({ code: 'custom', input: undefined, ...fault })
})

/** A key of a queue: `prefix:queue:part`. */
export const keyOf = ({ prefix }: Pick<Options, 'prefix'>, queue: string, part: string) =>
  `${prefix}:${queue}:${part}`

/** The scripts of BullMQ take all keys of a queue at once, so a cluster must have them in one slot. */
function slotFault(options: Options) {
  if (options.mode !== 'cluster') return null
  const isSplit = (queue: string) =>
    new Set(['meta', 'wait', 'active', 'id'].map((part) => slotOf(keyOf(options, queue, part)))).size > 1
  return options.queues.some(isSplit)
    ? { path: ['prefix'], message: 'in a cluster it needs a hash tag, as the application has it: {bull}' }
    : null
}
