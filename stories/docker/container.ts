import { say, type Text, z } from 'healthz'

/** A container as the engine sees it. Its command and its environment are left out: they may hold passwords. */
export interface Container {
  readonly id: string
  readonly name: string
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  readonly status: string
  readonly exitCode: number
  /** Whether the engine could not even start it. */
  readonly isStartRefused: boolean
  /** Wall milliseconds on the engine's clock; null: never. */
  readonly createdAt: number | null
  readonly startedAt: number | null
  readonly finishedAt: number | null
  /** How often its restart policy has started it again. */
  readonly restarts: number
  /** `no`, `always`, `unless-stopped` or `on-failure`. */
  readonly policy: string
  /** null where it has no health check. */
  readonly health: Health | null
  /** What the engine says of its last run; on hosts with cgroup v1 it may miss a kill. */
  readonly isOomKilled: boolean
}

export interface Health {
  /** `starting`, `healthy` or `unhealthy`. */
  readonly status: string
  /** How many probes have failed in a row. */
  readonly failures: number
  /** Of the last probe; null before there was one. */
  readonly exitCode: number | null
}

const inspected = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  Created: z.string().optional(),
  RestartCount: z.number().default(0),
  HostConfig: z.looseObject({ RestartPolicy: z.looseObject({ Name: z.string() }).nullish() }),
  State: z.looseObject({
    Status: z.string(),
    ExitCode: z.number(),
    Error: z.string().default(''),
    OOMKilled: z.boolean().default(false),
    StartedAt: z.string().optional(),
    FinishedAt: z.string().optional(),
    Health: z
      .looseObject({
        Status: z.string(),
        FailingStreak: z.number(),
        Log: z.array(z.looseObject({ ExitCode: z.number() })).nullish(),
      })
      .nullish(),
  }),
})

/** What `GET /containers/{id}/json` answers; the shape throws where it is none. */
export const containerShape = inspected.transform(
  ({ Id, Name, Created, RestartCount, HostConfig, State }): Container => ({
    id: Id,
    name: Name.replace(/^\//, ''),
    status: State.Status,
    exitCode: State.ExitCode,
    isStartRefused: State.Status === 'created' && State.Error !== '',
    createdAt: timeOf(Created),
    startedAt: timeOf(State.StartedAt),
    finishedAt: timeOf(State.FinishedAt),
    restarts: RestartCount,
    policy: HostConfig.RestartPolicy?.Name || 'no',
    health: healthOf(State.Health),
    isOomKilled: State.OOMKilled,
  }),
)

function healthOf(health: z.output<typeof inspected>['State']['Health']): Health | null {
  if (!health || health.Status === 'none' || health.Status === '') return null
  const { Status, FailingStreak, Log } = health
  return { status: Status, failures: FailingStreak, exitCode: Log?.at(-1)?.ExitCode ?? null }
}

/** The year 1 stands for never. */
function timeOf(text: string | undefined): number | null {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) || at <= 0 ? null : at
}

/** It ended with an exit code of its own that means a fault. What a policy would go on with was stopped by a person. */
export function hasFailed(container: Container): boolean {
  const { status, exitCode, isStartRefused } = container
  if (isStartRefused) return true
  return isDown(status) && exitCode !== 0 && !isSignal(exitCode) && !mustGoOn(container)
}

/** With such a policy the engine lets a container lie only after somebody has stopped it. */
export const mustGoOn = ({ policy }: Container) => policy === 'always' || policy === 'unless-stopped'

export const isDown = (status: string) => status === 'exited' || status === 'dead'

const isSignal = (exitCode: number) => exitCode > 128

/** Why it does not run: "it ended with exit code 3". */
export function whyDown({ status, exitCode, isStartRefused }: Container): Text {
  if (isStartRefused) return say`the engine could not start it`
  if (status === 'created') return say`it was never started`
  if (status === 'paused') return say`it is paused`
  if (status === 'restarting') return say`it ended with exit code ${String(exitCode)} and is being restarted`
  if (!isDown(status)) return say`its state is ${status}`
  if (isSignal(exitCode)) return say`it was ended by signal ${String(exitCode - 128)}`
  return say`it ended with exit code ${String(exitCode)}`
}
