import { duration, milliseconds, say, seconds, z } from 'healthz'
import { type Channel, readChannels } from './channels.ts'
import { isStarting, step } from './target.ts'

/** A replica is not far behind its source, or is at least catching up. */
export const replicaLag = step({
  title: say`the replica is not far behind its source`,
  limits: z.strictObject({ warnLag: duration('30s'), critLag: duration('5m') }),
  confirm: 2,
  async check(context) {
    const { target, limits, note, problem, cannotTell, compare, recall, remember, grade } = context
    if ((await readChannels(target)).length === 0) return note(say`it is no replica`)
    const late = recall<Sample>()?.value.late ?? {}
    const { before, after } = await compare<Sample>(async () => ({
      lags: lagsOf(await readChannels(target)),
      late,
    }))
    if (isStarting(context)) return

    const found: Record<string, number> = {}
    for (const [name, lag] of Object.entries(after.lags)) {
      if (lag === null) continue
      note(say`${seconds(lag)} behind`)
      const severity = grade(lag * 1000, { warning: limits.warnLag, critical: limits.critLag }, name)
      const isCatchingUp = lag < (before.lags[name] ?? 0)
      const times = late[name] ?? 0
      if (severity === null || (isCatchingUp && times < 2)) continue
      found[name] = Math.min(2, times + 1)
      const most = severity === 'critical' ? limits.critLag : limits.warnLag
      problem({
        key: name,
        severity,
        summary: isCatchingUp
          ? say`the replica is ${seconds(lag)} behind its source (limit ${milliseconds(most)}), and catching up`
          : say`the replica is ${seconds(lag)} behind its source (limit ${milliseconds(most)}), and not catching up`,
        advice: say`look for a long transaction or a lock on the replica, for tables without a primary key, and for a busy disk; more parallel appliers may help`,
        evidence: { lagSeconds: lag, before: before.lags[name] ?? null },
      })
    }
    remember({ lags: after.lags, late: found })
    if (Object.values(after.lags).includes(null))
      cannotTell(say`the server does not know how far it is behind while replication stands`)
  },
})

interface Sample {
  /** Seconds by channel. */
  readonly lags: Readonly<Record<string, number | null>>
  /** How many times in a row a channel was found late. From twice on it stays so until it is near its source again. */
  readonly late: Readonly<Record<string, number>>
}

/** How far each channel is behind, without the delay that is meant to be. */
export function lagsOf(channels: readonly Channel[]): Sample['lags'] {
  return Object.fromEntries(
    channels.map(({ name, lag, delay }) => [name, lag === null ? null : Math.max(0, lag - delay)]),
  )
}
