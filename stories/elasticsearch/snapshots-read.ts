import { CannotTell, say, z } from 'healthz'
import type { Cluster } from './target.ts'
import { isFrom } from './version.ts'

/** A repository, or a policy that fills one. */
export interface Backup {
  readonly kind: 'repository' | 'policy'
  readonly name: string
  readonly isThere: boolean
  /** Wall milliseconds; null where none did. */
  readonly succeededAt: number | null
  /** Whether the latest attempt failed, or saved only a part. */
  readonly hasFailed: boolean
}

type Asked = Pick<Cluster, 'api' | 'version'>

/** @throws CannotTell, ConnectionFailure */
export async function readRepository(
  { api, version }: Asked,
  name: string,
  signal: AbortSignal,
): Promise<Backup> {
  const fields = ['state', 'start_time_in_millis', 'end_time_in_millis'].map((field) => `snapshots.${field}`)
  const newest = isFrom(version, 'elasticsearch', '7.14') ? '&sort=start_time&order=desc&size=100' : ''
  const path = `/_snapshot/${encodeURIComponent(name)}/_all?filter_path=total,${fields}${newest}`
  const found = await api.find(path, snapshotsShape, signal)
  const all = (found?.snapshots ?? []).toSorted((a, b) => b.start_time_in_millis - a.start_time_in_millis)
  const ended = all.filter(({ state }) => state !== 'IN_PROGRESS')
  const succeeded = ended.find(({ state }) => state === 'SUCCESS')
  return {
    kind: 'repository',
    name,
    isThere: found !== null,
    succeededAt: succeeded?.end_time_in_millis ?? null,
    hasFailed: ended[0] !== undefined && ended[0].state !== 'SUCCESS',
  }
}

const snapshotsShape = z.looseObject({
  snapshots: z
    .array(
      z.looseObject({
        state: z.string(),
        start_time_in_millis: z.number(),
        end_time_in_millis: z.number().optional(),
      }),
    )
    .optional(),
})

/** @throws CannotTell, ConnectionFailure */
export function readPolicy(target: Asked, name: string, signal: AbortSignal): Promise<Backup> {
  return target.version.product === 'opensearch'
    ? readSm(target, name, signal)
    : readSlm(target, name, signal)
}

async function readSlm({ api }: Asked, name: string, signal: AbortSignal): Promise<Backup> {
  const found = await api.find(`/_slm/policy/${encodeURIComponent(name)}`, slmShape, signal)
  const policy = found?.[name]
  const [good, bad] = [policy?.last_success?.time ?? null, policy?.last_failure?.time ?? null]
  return {
    kind: 'policy',
    name,
    isThere: policy !== undefined,
    succeededAt: good,
    hasFailed: bad !== null && bad > (good ?? 0),
  }
}

const slmShape = z.record(
  z.string(),
  z.looseObject({
    last_success: z.looseObject({ time: z.number() }).optional(),
    last_failure: z.looseObject({ time: z.number() }).optional(),
  }),
)

/** It tells of the latest attempt only. */
async function readSm({ api }: Asked, name: string, signal: AbortSignal): Promise<Backup> {
  const path = `/_plugins/_sm/policies/${encodeURIComponent(name)}/_explain`
  const found = await api.find(path, smShape, signal)
  const policy = found?.policies.find((candidate) => candidate.name === name)
  const latest = policy?.creation?.latest_execution
  if (latest != null && ['IN_PROGRESS', 'RETRYING'].includes(latest.status))
    throw new CannotTell(say`the latest snapshot of the policy ${name} has not ended yet`)
  return {
    kind: 'policy',
    name,
    isThere: policy !== undefined,
    succeededAt: latest?.status === 'SUCCESS' ? (latest.end_time ?? null) : null,
    hasFailed: latest != null && latest.status !== 'SUCCESS',
  }
}

const smShape = z.looseObject({
  policies: z.array(
    z.looseObject({
      name: z.string(),
      creation: z
        .looseObject({
          latest_execution: z.looseObject({ status: z.string(), end_time: z.number().nullish() }).nullish(),
        })
        .nullish(),
    }),
  ),
})
