import {
  CannotTell,
  ConnectionFailure,
  connectTcp,
  count,
  duration,
  milliseconds,
  type Problem,
  percent,
  runProgram,
  type StepContext,
  say,
  type Text,
  tellSome,
  z,
} from 'healthz'
import type { Options } from './options.ts'
import { type Pings, parsePings, whyNoPings } from './ping-output.ts'
import { step } from './step.ts'

const limits = z.strictObject({
  count: z.int().min(1).max(20).default(5),
  lossPct: z.number().min(1).max(100).default(20),
  critLossPct: z.number().min(1).max(100).default(100),
  rtt: duration('200ms'),
})

type Limits = z.output<typeof limits>

/** Pings to every host come back, and soon. */
export const ping = step({
  title: say`pings come back, and soon`,
  on: ({ ping }) => ping.length > 0,
  limits,
  async check({ options, limits, signal, note, problem, grade, cannotTell }) {
    const found: Problem[] = []
    const untold: Text[] = []
    await Promise.all(
      options.ping.map(async (host) => {
        try {
          const pings = await pingHost(host, limits, signal)
          if (pings.average !== null)
            note(say`${host} answers in ${milliseconds(Math.round(pings.average * 10) / 10)}`)
          if (pings.received === 0) await mustBeFiltered(host, options, signal)
          const bad = judge(host, pings, limits, grade)
          if (bad !== null) found.push(bad)
        } catch (error) {
          if (error instanceof ConnectionFailure) found.push(unknownName(host, error))
          else if (error instanceof CannotTell) untold.push(say`${host}: ${error.reason}`)
          else throw error
        }
      }),
    )
    note(say`${count(options.ping.length, 'host')} asked`)
    tellSome(found, problem)
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

/** @throws CannotTell; ConnectionFailure where the name is not known. */
async function pingHost(host: string, { count }: Limits, signal: AbortSignal): Promise<Pings> {
  const argv = ['ping', '-n', '-c', `${count}`, '-i', '0.2', '-W', '1', host] as const
  const { stdout, stderr } = await runProgram([...argv], { timeout: 8000, signal })
  const pings = parsePings(stdout)
  if (pings !== null && pings.sent > 0) return pings
  const why = whyNoPings(`${stderr}\n${stdout}`)
  if (why === 'unknown-name') throw new ConnectionFailure('dns', host)
  if (why === 'unreachable') return { sent: count, received: 0, average: null }
  if (why === 'not-permitted')
    throw new CannotTell(
      say`ping may not send: run setcap cap_net_raw+ep on it, or add the group of the watchman to net.ipv4.ping_group_range`,
    )
  throw new CannotTell(say`ping says nothing that could be counted`)
}

/** @throws CannotTell where a port of the host takes connections: then the way to it is fine, and only pings are not let through. */
async function mustBeFiltered(host: string, { tcp }: Options, signal: AbortSignal): Promise<void> {
  for (const { at } of tcp.filter(({ at }) => at.host === host)) {
    const isOpen = await connectTcp(at, { signal, connectTimeout: 1000 }).then(
      (socket) => socket.destroy() !== null,
      () => false,
    )
    signal.throwIfAborted()
    if (isOpen)
      throw new CannotTell(
        say`no ping comes back, but port ${String(at.port)} takes connections: a firewall drops pings`,
      )
  }
}

function judge(host: string, pings: Pings, limits: Limits, grade: StepContext['grade']): Problem | null {
  const loss = ((pings.sent - pings.received) / pings.sent) * 100
  const evidence = { host, sent: pings.sent, received: pings.received, averageMs: pings.average }
  if (loss >= Math.min(limits.lossPct, limits.critLossPct)) {
    const isCritical = loss >= limits.critLossPct
    return {
      key: host,
      severity: isCritical ? 'critical' : 'warning',
      summary: say`${host} answered ${pings.received} of ${count(pings.sent, 'ping')} (loss ${percent(loss)}, limit ${percent(isCritical ? limits.critLossPct : limits.lossPct)})`,
      advice: isCritical
        ? say`check that the host is up, and find the hop where the way ends: mtr -n ${host}`
        : say`find the hop that loses packets: mtr -n ${host}`,
      evidence,
    }
  }
  const { average } = pings
  if (average === null || grade(average, { warning: limits.rtt }, host) === null) return null
  return {
    key: host,
    severity: 'warning',
    summary: say`a ping to ${host} takes ${milliseconds(average)} (limit ${milliseconds(limits.rtt)})`,
    advice: say`find the hop that is slow: mtr -n ${host}`,
    evidence,
  }
}

function unknownName(host: string, { severity, summary, advice, kind }: ConnectionFailure): Problem {
  return { key: host, severity, summary, advice, evidence: { host, kind } }
}
