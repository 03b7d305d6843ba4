import { hostname } from 'node:os'
import type { z } from 'zod'
import type { ClusterPlan, ClusterTiming, CoordinatorPlan } from '../core/cluster.ts'
import { profiles, type TimingFault, timingFaults } from '../core/cluster-timing.ts'
import type { HttpPlan } from '../core/plan.ts'
import { say } from '../core/text.ts'
import { check, type Reading } from './check.ts'
import { clusterSchema, coordinatorSchema, profileSchema, timingSchema } from './cluster-schema.ts'
import { writtenEndpoint } from './fields.ts'
import { get, listOf, type Raw } from './raw.ts'
import { httpSchema } from './schema.ts'

const at = (...path: readonly string[]) => ['cluster', ...path]

/**
 * Reads the key `cluster` of a file and tells of settings that do not go together; null where there is none, or it has
 * faults. The parts are checked each for itself, so that a fault in one hides none in another; one that the whole file
 * had already is told once all the same.
 */
export function readCluster(file: Raw, reading: Reading): ClusterPlan | null {
  const raw = get(file, 'cluster')
  if (raw === undefined) return null
  const settings = check(clusterSchema, raw, at(), reading)?.value
  const timing = readTiming(raw, reading)
  const redis = readCoordinator(raw, reading)
  checkPeers(raw, file, reading)
  checkNode(file, reading)
  if (settings === undefined || timing === null || redis === null) return null
  const { name, secret = null, advertise = null, peers, minReplicas, shards, forgetAfter } = settings
  return { name, redis, secret, timing, shards, minReplicas, forgetAfter, peers, advertise }
}

function readTiming(raw: unknown, reading: Reading): ClusterTiming | null {
  const profile = check(profileSchema, get(raw, 'profile'), at('profile'), reading)
  const own = check(timingSchema, get(raw, 'timing'), at('timing'), reading)
  if (profile === null || own === null) return null
  const standard = profiles[profile.value]
  const timing = { ...standard, ...defined(own.value) }
  for (const fault of timingFaults(timing)) {
    const setting = culprit(fault, own.value, timing, standard)
    reading.findings.at(at('timing', setting), fault.message, { hint: fault.advice })
  }
  return timing
}

type OwnTiming = z.output<typeof timingSchema>

function defined(own: OwnTiming): Partial<ClusterTiming> {
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
}

/** Of the settings that break a rule, the one in the file without which it would hold; else the first in the file. */
function culprit(
  { settings }: TimingFault,
  own: OwnTiming,
  timing: ClusterTiming,
  standard: ClusterTiming,
): keyof ClusterTiming {
  const [first] = settings
  const written = settings.filter((setting) => own[setting] !== undefined)
  const holdsWithout = (setting: keyof ClusterTiming) =>
    !timingFaults({ ...timing, [setting]: standard[setting] }).some((fault) => fault.settings[0] === first)
  return written.find(holdsWithout) ?? written[0] ?? first
}

function readCoordinator(raw: unknown, { findings, ...others }: Reading): CoordinatorPlan | null {
  const settings = check(coordinatorSchema, get(raw, 'redis'), at('redis'), { findings, ...others })?.value
  if (settings === undefined) return null
  const { url, user, password, sentinelUser, sentinelPassword, ca, insecure } = settings
  const { isTls, ...plan } = url
  if (url.kind !== 'sentinel') {
    const misplaced = Object.entries({ sentinelUser, sentinelPassword }).filter(
      ([, value]) => value !== undefined,
    )
    for (const [key] of misplaced)
      findings.atKey(at('redis', key), say`"${key}" is for sentinels, and the URL is not redis+sentinel://`)
  }
  if (!isTls) {
    const misplaced = [...(ca === undefined ? [] : ['ca']), ...(insecure ? ['insecure'] : [])]
    for (const key of misplaced)
      findings.atKey(at('redis', key), say`"${key}" is for TLS, and the URL does not begin with rediss`)
  }
  return {
    ...plan,
    user: user ?? plan.user,
    password: password ?? plan.password,
    sentinelUser,
    sentinelPassword,
    tls: isTls ? { ca, insecure } : null,
  }
}

/** Nodes talk to each other over HTTP, under a secret: one without the other does nothing when it is needed. */
function checkPeers(raw: unknown, file: Raw, reading: Reading): void {
  const { findings } = reading
  const isGiven = (key: string) => get(raw, key) !== undefined
  if (!isGiven('secret')) {
    const hint = say`give the cluster a "secret", the same on all nodes, or leave this out`
    const needy = ['advertise', ...(listOf(get(raw, 'peers')).length > 0 ? ['peers'] : [])].filter(isGiven)
    for (const key of needy)
      findings.atKey(at(key), say`"${key}" is for nodes that talk to each other, which needs a "secret"`, {
        hint,
      })
    return
  }
  const http = check(httpSchema, get(file, 'http'), ['http'], reading)
  if (http === null) return
  if (http.value === null) {
    const hint = say`let "http" listen, or leave "secret" out: then nodes do not know of each other when Redis is lost`
    findings.atKey(at('secret'), say`nodes talk to each other over HTTP, and "http" is off`, { hint })
    return
  }
  if (isGiven('advertise') || !isLoopback(http.value)) return
  findings.atKey(
    at('secret'),
    say`other nodes cannot reach this one: its HTTP server listens on ${writtenEndpoint(http.value)} only`,
    {
      hint: say`write http: { listen: ${`0.0.0.0:${http.value.port}`} }, or "advertise" where others reach it`,
    },
  )
}

function isLoopback({ host }: HttpPlan): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** A node's name becomes a part of what is written in Redis. */
function checkNode(file: Raw, { findings }: Reading): void {
  const node = get(file, 'node') ?? hostname()
  if (typeof node === 'string' && /[|@\s]/.test(node))
    findings.at(['node'], say`in a cluster the name of a node cannot hold "|", "@" or blanks`)
}
