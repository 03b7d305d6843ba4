import { z } from 'zod'
import { type ServerUrl, secret, serverUrl, tlsOptions } from './options.ts'
import { say } from './text.ts'

const noSentinels = say`which sentinels say where it is?`
const sentinelsKnow = say`the sentinels say where it is; leave this out`
const sentinelsKnowReplicas = say`the sentinels know the replicas; leave this out`
const noPlace = say`where is it?`
const forSentinels = say`needs "mode: sentinel"`
const forClusters = say`needs "mode: cluster"`

/** What speaking to a Redis takes beside its URL and the user, for the options of what does so. */
export function redisOptions() {
  return {
    password: secret().optional(),
    ...tlsOptions(),
    protocol: z
      .union([z.literal(2), z.literal(3)])
      .meta({ description: "version of Redis' own protocol; 2 for old servers and proxies" })
      .default(3),
  }
}

/**
 * How a Redis is found where it is not simply at a URL, for the options of what follows a master or asks a cluster.
 * What they say of each other is checked by `redisPlaceFault`.
 */
export function redisPlaceOptions(...others: readonly ('sentinel' | 'cluster')[]) {
  return {
    mode: z
      .enum(['standalone', ...others])
      .meta({
        description: others.includes('cluster')
          ? 'sentinel: the sentinels say where the master is; cluster: a Redis Cluster'
          : 'sentinel: the sentinels say where the master is',
      })
      .default('standalone'),
    sentinels: z
      .array(serverUrl('redis:', 'rediss:'))
      .meta({ description: 'the sentinels, instead of a URL; with rediss: the servers speak TLS too' })
      .default([]),
    master: z
      .string()
      .min(1)
      .meta({ description: 'the name that the sentinels have for the master' })
      .default('mymaster'),
    database: z
      .int()
      .min(0)
      .meta({ description: 'the database of the master that they name; in a URL the path says it' })
      .optional(),
    sentinelUser: z.string().min(1).optional(),
    sentinelPassword: secret().optional(),
  }
}

/** The other nodes of a cluster, for the options of what knows none but these. */
export function clusterNodes() {
  return z
    .array(serverUrl('redis:', 'rediss:'))
    .meta({ description: 'other nodes of the cluster, for when that of the URL does not answer' })
    .default([])
}

interface Given {
  readonly mode: 'standalone' | 'sentinel' | 'cluster'
  readonly url: ServerUrl | undefined
  readonly replicas?: readonly ServerUrl[]
  readonly sentinels: readonly ServerUrl[]
  readonly database?: number | undefined
  readonly sentinelUser?: string | undefined
  readonly sentinelPassword?: unknown
}

interface Manner {
  /** The option that holds the URL. */
  readonly url?: string
  /** Whether it may be elsewhere than in a Redis. */
  readonly isOptional?: boolean
  /** Whether a server alone has replicas to look at. */
  readonly hasReplicas?: boolean
  /** More options that are for sentinels only. */
  readonly sentinelOnly?: Readonly<Record<string, unknown>>
}

/** What single options cannot see: how they say in which place a Redis is; null when all is well. */
export function redisPlaceFault(
  given: Given,
  { url: name = 'url', isOptional = false, hasReplicas = false, sentinelOnly = {} }: Manner = {},
): { readonly path: string[]; readonly message: string } | null {
  const { mode, url, sentinels, replicas = [], database, sentinelUser, sentinelPassword } = given
  if (mode === 'sentinel') {
    if (sentinels.length === 0) return { path: ['sentinels'], message: noSentinels.template }
    if (url !== undefined) return { path: [name], message: sentinelsKnow.template }
    return replicas.length > 0 ? { path: ['replicas'], message: sentinelsKnowReplicas.template } : null
  }
  const first = sentinels[0]
  const strays = { sentinels: first, database, sentinelUser, sentinelPassword, ...sentinelOnly }
  const stray = Object.entries(strays).find(([, value]) => value !== undefined)
  if (stray !== undefined) return { path: [stray[0]], message: forSentinels.template }
  if (mode === 'standalone' && replicas.length > 0 && !hasReplicas)
    return { path: ['replicas'], message: forClusters.template }
  return url === undefined && (mode === 'cluster' || !isOptional)
    ? { path: [name], message: noPlace.template }
    : null
}
