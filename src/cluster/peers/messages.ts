import { z } from 'zod'
import { coordinatorFaults } from '../../core/cluster.ts'
import type { Kept } from '../../core/store.ts'

/** What peers say to each other over HTTP: each question is a POST under `/-/peer/`, its name the last part. */
export const peerPath = '/-/peer/'

export const acts = ['probe', 'claim', 'sent', 'alarms', 'report'] as const
export type Act = (typeof acts)[number]

/** Bytes of JSON that a question may have. */
export const limitOf = (act: Act): number => (act === 'alarms' ? 1_048_576 : 65_536)

const name = z.string().min(1).max(256)
const age = z.number().min(0).max(1e12)
const epoch = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const outage = z.object({ cluster: name, generation: z.string().max(128), lastEpoch: epoch })
const word = z.object({
  name,
  age,
  hops: z.number().int().min(0).max(64),
  fault: z.enum(coordinatorFaults).nullable(),
  beatAge: age.nullable(),
  canTell: z.boolean(),
  speaks: z.boolean(),
})

/** What goes with every question and answer: who speaks, and all it knows of the others. */
export const greeting = z.object({
  cluster: name,
  from: name,
  outage: outage.nullable(),
  words: z.array(word).max(128),
  told: z.array(outage.extend({ by: name, at: z.number() })).max(32),
})
export type Greeting = z.infer<typeof greeting>

export const claimAnswer = greeting.extend({ granted: z.boolean() })

/** Nodes that miss Redis while the one that is told sees it. */
export const report = greeting.extend({
  missing: z.array(z.object({ name, fault: z.enum(coordinatorFaults) })).max(128),
})
export type Report = z.infer<typeof report>

const text = z.union([z.string(), z.looseObject({ template: z.string(), values: z.array(z.unknown()) })])
const alarm = z.looseObject({
  dedupKey: z.string().min(1).max(256),
  occurrence: z.string().min(1),
  kind: z.string(),
  at: z.number(),
  entry: z.string(),
  story: z.string(),
  title: text,
  tags: z.array(z.string()),
  problem: z.looseObject({
    step: z.string(),
    key: z.string(),
    severity: z.enum(['warning', 'critical']),
    summary: text,
    advice: text,
    evidence: z.record(z.string(), z.unknown()),
    since: z.number(),
  }),
})
const outgoing = z.object({
  channel: z.string().min(1).max(256),
  alarm,
  status: z.enum(['pending', 'sending', 'sent', 'failed']),
  createdAt: z.number(),
  due: z.number(),
  attempts: z.number(),
  error: z.string().nullable(),
  settledAt: z.number().nullable(),
})

/** An alarm on its way, as it is handed from node to node. */
export type Handed = Kept['outgoing'][number]

/** Alarms for the voice; one that is not the voice passes them on while `hops` last. */
export const alarms = z.object({
  cluster: name,
  from: name,
  to: name,
  hops: z.number().int().min(0).max(16),
  // The schema checks what is used to keep and to send an alarm; its further fields come from a holder of the secret.
  alarms: z.array(outgoing).transform((list) => list as unknown as readonly Handed[]),
})
export type Handover = z.infer<typeof alarms>

const keys = z.array(z.object({ channel: z.string(), dedupKey: z.string() }))

/**
 * Which of the alarms have been sent, and which are taken to be sent; and the occurrences of those that are not needed,
 * since people hear of their problem under another name. An alarm in none of them was not taken.
 */
export const receipt = z.object({
  sent: keys,
  pending: keys,
  declined: z.array(z.string()).readonly().default([]),
})
export type Receipt = z.infer<typeof receipt>

export const nothingTaken: Receipt = { sent: [], pending: [], declined: [] }
