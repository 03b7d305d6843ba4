import { secret, serverUrl, supervisedProgram, tlsOptions, z } from 'healthz'

/** What `with:` of an entry may hold. */
export const options = z.strictObject({
  nodes: z
    .array(serverUrl('http:', 'https:'))
    .min(1)
    .meta({ description: 'the management API of each node, such as http://mq1:15672' }),
  user: z.string().min(1).meta({ description: 'needs the tag monitoring' }).optional(),
  password: secret().optional(),
  ...tlsOptions(),
  amqp: z
    .array(serverUrl('amqp:', 'amqps:'))
    .meta({ description: 'ports that clients use; they are only looked at, nobody logs in' })
    .default([]),
  metrics: z
    .array(serverUrl('http:', 'https:'))
    .meta({
      description:
        'the plug-in rabbitmq_prometheus of each node, such as http://mq1:15692, where the management API keeps no statistics',
    })
    .default([]),
  vhosts: z
    .array(z.string().min(1))
    .min(1)
    .meta({ description: 'look at these virtual hosts only; left out: at all of them' })
    .optional(),
  ignore: z
    .array(z.string().min(1))
    .meta({ description: 'queues to leave alone, by name or vhost/name; * stands for anything' })
    .default(['celeryev.*', '*.pidbox']),
  expect: z
    .array(
      z.union([
        z
          .string()
          .min(1)
          .transform((name) => ({ vhost: '/', name })),
        z.strictObject({ vhost: z.string().min(1).default('/'), name: z.string().min(1) }),
      ]),
    )
    .meta({ description: 'queues that must be there' })
    .default([]),
  deadLetter: z
    .array(z.string().min(1))
    .meta({ description: 'queues that take the messages nobody could handle; * stands for anything' })
    .default([]),
  certificateDays: z
    .int()
    .min(1)
    .meta({ description: 'warn so many days before a certificate of the broker ends' })
    .optional(),
  worker: supervisedProgram()
    .extend({
      queues: z.array(z.string().min(1)).default(['*']),
    })
    .meta({ description: 'the program to start when a queue has lost its consumers' })
    .optional(),
})

export type Options = z.output<typeof options>
export type Worker = NonNullable<Options['worker']>
