import { redisOptions, serverUrl, supervisedProgram, z } from 'healthz'

/** What `with:` of an entry may hold. */
export const options = z.strictObject({
  url: serverUrl('redis:', 'rediss:').meta({ description: 'the Redis that holds the queues' }),
  user: z.string().optional(),
  ...redisOptions(),
  prefix: z.string().min(1).meta({ description: 'what the keys begin with' }).default('bull'),
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

export type Options = z.output<typeof options>
