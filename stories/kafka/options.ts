import { say, secret, supervisedProgram, tlsOptions, z } from 'healthz'

const notAnAddress = say`not an address; write it as host:9092`

/** Where a server listens; IPv6 addresses stand in brackets when they are written. */
function address(port: number) {
  return z
    .string()
    .regex(/^(\[[\da-f:]+\]|[^\s:/[\]]+)(:\d{1,5})?$/i, { error: notAnAddress.template })
    .refine((text) => portIn(text, port) > 0 && portIn(text, port) < 65_536, { error: notAnAddress.template })
    .meta({ examples: [`kafka1:${port}`] })
    .transform((text): Address => {
      const host = text.startsWith('[') ? text.slice(1, text.indexOf(']')) : text.replace(/:\d+$/, '')
      return { host, port: portIn(text, port) }
    })
}

/** The port after the host; the colons of an IPv6 address stand in its brackets. */
const portIn = (text: string, otherwise: number) =>
  Number(/:(\d+)$/.exec(text.replace(/^\[.*\]/, ''))?.[1] ?? otherwise)

export interface Address {
  readonly host: string
  readonly port: number
}

const names = () => z.array(z.string().min(1)).min(1)

/** What `with:` of an entry may hold. */
export const options = z.strictObject({
  brokers: z
    .array(address(9092))
    .min(1)
    .meta({ description: 'where clients begin: host:port of some brokers, better of all' }),
  user: z.string().min(1).optional(),
  password: secret().optional(),
  mechanism: z
    .enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
    .meta({ description: 'how the user logs in' })
    .default('SCRAM-SHA-512'),
  tls: z.boolean().meta({ description: 'the ports speak TLS' }).default(false),
  ...tlsOptions(),
  cert: z.string().meta({ description: 'the certificate to show, as PEM, with its key' }).optional(),
  key: secret().optional(),
  expectBrokers: z
    .int()
    .min(1)
    .meta({ description: 'how many brokers there must be; left out: as many as were seen within 7 days' })
    .optional(),
  topics: names().meta({ description: 'look at these topics only; * stands for anything' }).default(['*']),
  ignoreTopics: z.array(z.string().min(1)).default([]),
  groups: z
    .array(
      z.union([
        z
          .string()
          .min(1)
          .transform((name) => ({ name, topics: ['*'], lagMax: undefined as number | undefined })),
        z.strictObject({
          name: z.string().min(1),
          topics: names()
            .meta({ description: 'of what it reads, these topics only; * stands for anything' })
            .default(['*']),
          lagMax: z.int().min(0).optional(),
        }),
      ]),
    )
    .meta({ description: 'consumer groups that must keep up' })
    .default([]),
  ignoreGroups: z
    .array(z.string().min(1))
    .meta({ description: 'groups whose lost messages nobody misses' })
    .default(['console-consumer-*']),
  fresh: z
    .array(z.string().min(1))
    .meta({ description: 'topics into which messages come all the time' })
    .default([]),
  zookeeper: z
    .array(address(2181))
    .meta({ description: 'the ZooKeeper servers of a Kafka that still needs them' })
    .default([]),
  worker: supervisedProgram()
    .extend({ groups: z.array(z.string().min(1)).default(['*']) })
    .meta({ description: 'the program to start when a group has lost its consumers' })
    .optional(),
})

export type Options = z.output<typeof options>
export type WatchedGroup = Options['groups'][number]
