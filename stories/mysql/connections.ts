import { count, duration, percent, say, seconds, type Text, z } from 'healthz'
import { isSystem, kill, type Process, readProcesses } from './processes.ts'
import { figureOf, isSameStart, numberOf, type Server, step } from './target.ts'

/** There is room for more connections, and nobody was turned away. */
export const connections = step({
  title: say`there is room for more connections`,
  limits: z.strictObject({
    warnPct: z.number().positive().default(80),
    critPct: z.number().positive().default(95),
    idle: duration('1h'),
  }),
  cures: [
    { title: say`end connections of the users in killUsers that have slept for long (KILL)`, consent: 'ask' },
  ],
  async check({ target, options, limits, note, problem, compare, grade }) {
    const { before, after } = await compare(() => readUse(target), isSameStart)
    const used = (after.connected / after.max) * 100
    note(say`${after.connected} of ${after.max} connections in use (${percent(used)})`)

    const severity = grade(used, { warning: limits.warnPct, critical: limits.critPct })
    if (severity !== null) {
      const processes = await readProcesses(target)
      const sleepers = processes.filter((process) => isSleeper(process, options.killUsers, limits.idle))
      problem({
        severity,
        summary: say`${after.connected} of ${after.max} connections are in use (${percent(used)}, limit ${percent(severity === 'critical' ? limits.critPct : limits.warnPct)})`,
        advice: adviceOn(processes),
        evidence: { connected: after.connected, max: after.max, percent: Math.round(used) },
        ...(sleepers.length > 0 && {
          resolve: endSleepers(target, options.killUsers, limits.idle, sleepers.length),
        }),
      })
    }
    const refused = after.refused - before.refused
    if (refused > 0) {
      problem({
        key: 'refused',
        severity: 'critical',
        summary: say`${count(refused, 'client')} turned away because all ${after.max} connections were in use`,
        advice: say`raise max_connections or make the clients' pools smaller; SHOW PROCESSLIST shows who holds how many`,
        evidence: { refused, max: after.max },
        confirm: 1,
      })
    }
  },
})

interface Use {
  readonly connected: number
  readonly max: number
  /** MariaDB does not count whom it turns away only after the login, from the seat kept for an administrator. */
  readonly refused: number
  readonly startedAt: number
}

async function readUse(server: Server): Promise<Use> {
  const status = await server.status('Threads_connected', 'Connection_errors_max_connections')
  const [row] = await server.ask('select @@global.max_connections as most')
  return {
    connected: figureOf(status, 'Threads_connected'),
    max: numberOf(row, 'most') ?? Number.POSITIVE_INFINITY,
    refused: figureOf(status, 'Connection_errors_max_connections'),
    startedAt: server.startedAt,
  }
}

function isSleeper(process: Process, users: readonly string[], idle: number): boolean {
  return (
    process.command === 'Sleep' &&
    process.time * 1000 > idle &&
    users.includes(process.user) &&
    !isSystem(process)
  )
}

function adviceOn(processes: readonly Process[]): Text {
  const groups = Map.groupBy(
    processes.filter((process) => !isSystem(process)),
    ({ user, host }) => JSON.stringify([user, host]),
  )
  const largest = [...groups.values()].toSorted((a, b) => b.length - a.length).slice(0, 3)
  if (largest.length === 0)
    return say`look for a client whose pool leaks connections, or raise max_connections`
  return say`look for a client whose pool leaks connections, or raise max_connections; most are held by ${largest.map(holder)}`
}

function holder(group: readonly Process[]) {
  const asleep = group.filter(({ command }) => command === 'Sleep')
  const longest = Math.max(0, ...asleep.map(({ time }) => time))
  const { user = '', host = '' } = group[0] ?? {}
  if (asleep.length === 0) return say`${user} from ${host} (${group.length})`
  return say`${user} from ${host} (${group.length}, of them ${asleep.length} asleep for up to ${seconds(longest)})`
}

function endSleepers(server: Server, users: readonly string[], idle: number, found: number) {
  return {
    title: say`end ${count(found, 'connection')} of ${[...users]} that slept for more than ${seconds(idle / 1000)}`,
    consent: 'ask' as const,
    target: server.address,
    async run() {
      const sleepers = (await readProcesses(server)).filter((process) => isSleeper(process, users, idle))
      for (const { id } of sleepers) await kill(server, id, 'connection')
    },
  }
}
