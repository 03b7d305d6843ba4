import { duration, secret, serverUrl, z } from 'healthz'

/** What `with:` of an entry may hold. */
export const options = z.strictObject({
  url: serverUrl('redis:', 'rediss:'),
  user: z.string().optional(),
  password: secret().optional(),
  ca: z
    .string()
    .meta({ description: 'the authority to trust, as PEM; better given as ${file:/etc/ssl/redis-ca.pem}' })
    .optional(),
  insecure: z.boolean().meta({ description: 'accept any certificate' }).default(false),
  protocol: z
    .union([z.literal(2), z.literal(3)])
    .meta({ description: "version of Redis' own protocol; 2 for old servers and proxies" })
    .default(3),
  use: z
    .enum(['cache', 'broker', 'store'])
    .meta({ description: 'what it is for: only a cache may lose keys' })
    .default('store'),
  durable: z.boolean().meta({ description: 'what it holds must survive a crash' }).default(false),
  replicas: z
    .array(serverUrl('redis:', 'rediss:'))
    .meta({ description: 'the other nodes; those without credentials take those of this entry' })
    .default([]),
  expectReplicas: z.int().min(0).meta({ description: 'how many replicas must follow the master' }).optional(),
  startingMax: duration('15m').meta({ description: 'how long it may take to load its data' }),
})

export type RedisOptions = z.output<typeof options>
