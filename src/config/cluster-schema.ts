import { z } from 'zod'
import { secret } from '../core/options.ts'
import { say } from '../core/text.ts'
import { type CoordinatorUrl, coordinatorUrl } from './coordinator.ts'
import { hostPort, span } from './fields.ts'

const badName = say`only letters, digits, ".", "_" and "-" can stand in it`

const coordinatorSettings = z.strictObject({
  url: coordinatorUrl,
  user: z.string().min(1).optional().describe('wins over that of the URL'),
  password: secret().optional(),
  sentinelUser: z.string().min(1).optional(),
  sentinelPassword: secret().optional(),
  ca: z.string().min(1).optional().describe('authorities to trust, as PEM; better given as ${file:/path}'),
  insecure: z.boolean().default(false).describe('accept any certificate'),
})

type CoordinatorSettings = z.output<typeof coordinatorSettings>

/** How the coordinating Redis is reached. */
export const coordinatorSchema = z
  .union([
    coordinatorUrl.transform((url: CoordinatorUrl): CoordinatorSettings => ({ url, insecure: false })),
    coordinatorSettings,
  ])
  .describe('the Redis through which the nodes find each other: a URL, or a mapping with it and more')

export const profileSchema = z
  .enum(['lan', 'wide'])
  .default('lan')
  .describe('`lan`: Redis is near, up to 50 nodes; `wide`: it is far away, or there are hundreds')

export const timingSchema = z
  .strictObject({
    beat: span('50ms').optional().describe('from one heartbeat to the next'),
    valid: span('1ms').optional().describe('how long a node trusts its last heartbeat'),
    lease: span('1ms').optional().describe('how long Redis keeps what a silent node holds'),
    clockStep: span('1ms').optional().describe('the longest jump of the clock of Redis that is believed'),
    settle: span('0s').optional().describe('how long a new node stands by before it takes part'),
    batch: span('1ms').optional().describe('nodes that come within this time take part at once'),
  })
  .prefault({})
  .describe("settings in place of the profile's")

/** The key `cluster`. What its settings say of each other is checked by `readCluster`. */
export const clusterSchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[\w.-]*$/, { error: badName.template })
      .describe('the same on all nodes; the clusters on one Redis have different ones'),
    redis: coordinatorSchema,
    profile: profileSchema,
    timing: timingSchema,
    secret: secret()
      .optional()
      .describe('with it nodes talk to each other when Redis is lost; the same on all nodes'),
    peers: z
      .array(hostPort())
      .default([])
      .describe('where other nodes answer over HTTP, for a node that never saw them in Redis'),
    advertise: hostPort()
      .optional()
      .describe('where this node answers its peers; its host name and HTTP port by default'),
    minReplicas: z
      .int()
      .min(0)
      .max(100)
      .default(0)
      .describe('a heartbeat counts only where so many replicas of Redis have it'),
    shards: z
      .int()
      .min(1)
      .max(16_384)
      .default(256)
      .describe('how many parts the entries are spread in; the same on all nodes'),
    forgetAfter: span('1m').prefault('24h').describe('how long a node that vanished is remembered'),
  })
  .describe('several nodes that share the work; without it a node is alone')
