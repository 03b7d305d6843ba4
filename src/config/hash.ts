import { createHash, createHmac } from 'node:crypto'
import type { ClusterPlan } from '../core/cluster.ts'
import type { Plan } from '../core/plan.ts'
import { Secret } from '../core/secret.ts'

/**
 * Twelve hexadecimal digits that change when what the plan says changes. What differs between the nodes of a cluster
 * by right is left out, so that nodes with one configuration have one hash; secrets enter it as keyed hashes only.
 */
export function hashOf({
  platform,
  language,
  entries,
  channels,
  alarms,
  store,
  limits,
  cluster,
}: Omit<Plan, 'hash'>): string {
  const told = {
    platform,
    language: language.code,
    entries: entries.map(({ story: _, ...entry }) => entry),
    channels: channels.map(({ channel: _, ...channel }) => channel),
    alarms,
    store: { isKept: store.file !== null, retention: store.retention },
    limits,
    cluster: cluster && shared(cluster),
  }
  return createHash('sha256')
    .update(JSON.stringify(canonical(told)))
    .digest('hex')
    .slice(0, 12)
}

/** Nodes may name other peers, and other servers of the same Redis, and log in to it as different users. */
function shared({ name, redis, secret, timing, shards, minReplicas, forgetAfter }: ClusterPlan): object {
  const { kind, master, database } = redis
  return { name, redis: { kind, master, database }, secret, timing, shards, minReplicas, forgetAfter }
}

/** Plain JSON with keys in order, whatever a plugin's schema made of its options. */
function canonical(value: unknown): unknown {
  if (value instanceof Secret) return createHmac('sha256', 'healthz').update(value.reveal()).digest('base64')
  if (value instanceof URL || value instanceof RegExp || typeof value === 'bigint') return String(value)
  if (value instanceof Map || value instanceof Set) return [...value].map(canonical)
  if (Array.isArray(value)) return value.map(canonical)
  if (value instanceof Date || typeof value !== 'object' || value === null) return value
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(pairs.map(([key, inner]) => [key, canonical(inner)]))
}
