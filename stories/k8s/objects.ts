import { z } from 'healthz'

/** What names an object and its owner. */
const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string().default(''),
  generation: z.number().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  ownerReferences: z
    .array(z.looseObject({ kind: z.string(), name: z.string(), controller: z.boolean().optional() }))
    .nullish(),
})

type Metadata = z.output<typeof metadata>

const conditions = z
  .array(
    z.looseObject({
      type: z.string(),
      status: z.string(),
      reason: z.string().optional(),
      lastTransitionTime: z.string().nullish(),
    }),
  )
  .nullish()

/** A condition; its message is left out, for it quotes names and figures of the cluster. */
export interface Condition {
  readonly type: string
  /** `True`, `False` or `Unknown`. */
  readonly status: string
  readonly reason: string
  /** Wall milliseconds; null where it is not known. */
  readonly since: number | null
}

const conditionsOf = (given: z.output<typeof conditions>): readonly Condition[] =>
  (given ?? []).map(({ type, status, reason, lastTransitionTime }) => ({
    type,
    status,
    reason: reason ?? '',
    since: timeOf(lastTransitionTime),
  }))

function timeOf(text: string | null | undefined): number | null {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? null : at
}

export const conditionOf = (all: readonly Condition[], type: string) =>
  all.find((condition) => condition.type === type)

export const nodeShape = z
  .looseObject({
    metadata,
    spec: z.looseObject({ unschedulable: z.boolean().optional() }),
    status: z.looseObject({ conditions }),
  })
  .transform(({ metadata, spec, status }) => ({
    namespace: '',
    name: metadata.name,
    isCordoned: spec.unschedulable === true,
    conditions: conditionsOf(status.conditions),
  }))

export type Node = z.output<typeof nodeShape>

const counts = z.looseObject({
  replicas: z.number().optional(),
  readyReplicas: z.number().optional(),
  observedGeneration: z.number().optional(),
  conditions,
})

const base = ({ name, namespace, uid, generation }: Metadata) => ({
  name,
  namespace,
  uid,
  generation: generation ?? 0,
})

/** A Deployment or a StatefulSet. Kubernetes leaves a figure out where it is 0. */
export const scaledShape = z
  .looseObject({
    metadata,
    spec: z.looseObject({ replicas: z.number().nullish(), paused: z.boolean().optional() }),
    status: counts,
  })
  .transform(
    ({ metadata, spec, status }): Workload => ({
      ...base(metadata),
      desired: spec.replicas ?? 1,
      ready: status.readyReplicas ?? 0,
      isPaused: spec.paused === true,
      conditions: conditionsOf(status.conditions),
    }),
  )

export const daemonSetShape = z
  .looseObject({
    metadata,
    status: z.looseObject({ desiredNumberScheduled: z.number(), numberReady: z.number(), conditions }),
  })
  .transform(
    ({ metadata, status }): Workload => ({
      ...base(metadata),
      desired: status.desiredNumberScheduled,
      ready: status.numberReady,
      isPaused: false,
      conditions: conditionsOf(status.conditions),
    }),
  )

export interface Workload {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  /** Rises with each change of what is wanted. */
  readonly generation: number
  readonly desired: number
  readonly ready: number
  readonly isPaused: boolean
  readonly conditions: readonly Condition[]
}

const containerStatus = z.looseObject({
  name: z.string(),
  restartCount: z.number(),
  state: z.looseObject({
    waiting: z.looseObject({ reason: z.string().optional() }).nullish(),
    running: z.looseObject({ startedAt: z.string().nullish() }).nullish(),
  }),
  lastState: z
    .looseObject({
      terminated: z
        .looseObject({
          exitCode: z.number(),
          reason: z.string().optional(),
          finishedAt: z.string().nullish(),
        })
        .nullish(),
    })
    .nullish(),
})

export const podShape = z
  .looseObject({
    metadata,
    status: z.looseObject({
      phase: z.string(),
      reason: z.string().optional(),
      conditions,
      initContainerStatuses: z.array(containerStatus).nullish(),
      containerStatuses: z.array(containerStatus).nullish(),
    }),
  })
  .transform(({ metadata, status }) => {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller === true) ?? null
    return {
      ...base(metadata),
      createdAt: timeOf(metadata.creationTimestamp),
      isLeaving: metadata.deletionTimestamp !== undefined,
      owner: owner === null ? null : { kind: owner.kind, name: owner.name },
      /** `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`. */
      phase: status.phase,
      reason: status.reason ?? '',
      conditions: conditionsOf(status.conditions),
      containers: [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(
        ({ name, restartCount, state, lastState }) => ({
          name,
          restarts: restartCount,
          /** Why it does not run yet, or no more; empty where it runs or has ended. */
          waiting: state.waiting?.reason ?? '',
          runningSince: timeOf(state.running?.startedAt),
          last: lastState?.terminated
            ? {
                exitCode: lastState.terminated.exitCode,
                reason: lastState.terminated.reason ?? '',
                at: timeOf(lastState.terminated.finishedAt),
              }
            : null,
        }),
      ),
    }
  })

export type Pod = z.output<typeof podShape>
export type PodContainer = Pod['containers'][number]

export const cronJobShape = z
  .looseObject({
    metadata,
    spec: z.looseObject({
      schedule: z.string(),
      timeZone: z.string().nullish(),
      suspend: z.boolean().nullish(),
    }),
    status: z.looseObject({
      lastSuccessfulTime: z.string().nullish(),
      lastScheduleTime: z.string().nullish(),
    }),
  })
  .transform(({ metadata, spec, status }) => ({
    ...base(metadata),
    createdAt: timeOf(metadata.creationTimestamp),
    schedule: spec.schedule,
    timeZone: spec.timeZone ?? null,
    isSuspended: spec.suspend === true,
    succeededAt: timeOf(status.lastSuccessfulTime),
  }))

export const jobShape = z
  .looseObject({ metadata, status: z.looseObject({ conditions }) })
  .transform(({ metadata, status }) => ({
    ...base(metadata),
    owner: metadata.ownerReferences?.find(({ kind }) => kind === 'CronJob')?.name ?? null,
    conditions: conditionsOf(status.conditions),
  }))

export const claimShape = z
  .looseObject({
    metadata,
    spec: z.looseObject({ storageClassName: z.string().nullish() }),
    status: z.looseObject({ phase: z.string() }),
  })
  .transform(({ metadata, spec, status }) => ({
    ...base(metadata),
    createdAt: timeOf(metadata.creationTimestamp),
    storageClass: spec.storageClassName ?? '',
    phase: status.phase,
  }))

export const storageClassShape = z
  .looseObject({ metadata, volumeBindingMode: z.string().optional() })
  .transform(({ metadata, volumeBindingMode }) => ({
    namespace: '',
    name: metadata.name,
    waitsForConsumer: volumeBindingMode === 'WaitForFirstConsumer',
  }))

/** A kind of objects that have pods. */
export interface WorkloadKind {
  /** `Deployment`, as people write it. */
  readonly title: string
  /** `deployments`, as the API does. */
  readonly resource: string
  readonly shape: z.ZodType<Workload>
}
