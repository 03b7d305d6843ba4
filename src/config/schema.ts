import { z } from 'zod'
import { parseDuration } from '../core/duration.ts'
import { say } from '../core/text.ts'
import { alarmsSchema } from './alarms-schema.ts'
import { clusterSchema } from './cluster-schema.ts'
import { consulSchema } from './consul-schema.ts'
import { badAddress, endpointOf, name, nameOrNothing, span } from './fields.ts'

const badShare = say`not a share of the whole; write 30% or 0.3`

const defaultRetention = '30d'

const storeSchema = z
  .union([
    z.literal('memory').transform(() => ({ file: null, retention: parseDuration(defaultRetention) ?? 0 })),
    z
      .strictObject({
        file: z.string().min(1).default('data/healthz.db').describe('relative to the working directory'),
        retention: span('1h').prefault(defaultRetention).describe('how long the past is kept'),
      })
      .transform(({ file, retention }) => ({ file: file === 'memory' ? null : file, retention })),
  ])
  .prefault({})
  .describe('where the state of things is kept; `memory`: nowhere')

const listenSchema = z.union([z.string(), z.int()]).transform((written, context) => {
  const text = String(written)
  const endpoint = endpointOf(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text)
  if (endpoint !== null) return endpoint
  context.addIssue({ code: 'custom', message: badAddress.template })
  return z.NEVER
})

export const httpSchema = z
  .union([
    z.literal(['off', false]).transform(() => null),
    z
      .strictObject({
        listen: listenSchema.prefault('127.0.0.1:9180').describe('host:port, or a port of 127.0.0.1'),
      })
      .transform((http) => http.listen),
  ])
  .prefault({})
  .describe('probes, metrics and the API; `off` for none')

const shareSchema = z
  .union([
    z
      .string()
      .regex(/^\s*\d+(\.\d+)?\s*%\s*$/, { error: badShare.template })
      .transform((text) => Number.parseFloat(text) / 100),
    z.number(),
  ])
  .refine((share) => share >= 0 && share <= 1, { error: badShare.template })

const limitsSchema = z
  .strictObject({
    concurrency: z.int().min(1).max(1000).default(128).describe('entries told at the same time'),
    cures: z.int().min(1).max(100).default(2).describe('cures that run at the same time'),
    blastRadius: shareSchema
      .prefault('30%')
      .describe(
        'with problems in a larger share of the entries of one story, and in three at least, no cure runs: the cause is likely elsewhere',
      ),
  })
  .prefault({})
  .describe('what may happen at the same time')

const rolesSchema = z
  .array(nameOrNothing())
  .transform((roles) => [...new Set(roles)].filter((role) => role !== ''))
  .prefault([])
  .describe(
    'what this node is for: entries with a `role` are told by the nodes that have it; empty ones are dropped',
  )

/** The whole file. What stands inside `stories` and `channels` is checked by schemas of their own, one by one. */
export const topSchema = z.strictObject({
  platform: name().default('platform').describe('the platform as people know it; it stands in every message'),
  node: name().optional().describe("this node's name; the host's name by default"),
  language: z.enum(['en', 'zh-CN']).default('en').describe('the language of messages'),
  interval: span('1s').prefault('10m').describe('how often a story is told where it says nothing else'),
  plugins: z
    .array(z.string().min(1))
    .default([])
    .describe('folders with stories of your own, a file each, and with channels in their folder `channels`'),
  stories: z.array(z.unknown()).min(1).describe('what is watched'),
  channels: z.record(name(), z.unknown()).default({}).describe('the ways to reach people, by name'),
  alarms: alarmsSchema.prefault({}),
  store: storeSchema,
  http: httpSchema,
  limits: limitsSchema,
  cluster: clusterSchema.optional(),
  consul: consulSchema.optional(),
  roles: rolesSchema,
})

export type Top = z.output<typeof topSchema>

/** What holds where the file cannot say: for looking at the rest of a file with faults. */
export function standardTop(): Top {
  return topSchema.parse({ stories: [null] })
}
