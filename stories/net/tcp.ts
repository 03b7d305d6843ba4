import {
  ConnectionFailure,
  connectTcp,
  count,
  duration,
  lookAtTls,
  milliseconds,
  type Problem,
  rawProbe,
  say,
  type Text,
  tellSome,
  z,
} from 'healthz'
import type { Port } from './options.ts'
import { step } from './step.ts'

/** Every port takes connections, quickly, and behind it is what should be there. */
export const tcp = step({
  title: say`every port takes connections`,
  on: ({ tcp }) => tcp.length > 0,
  limits: z.strictObject({ slow: duration('1s') }),
  async check({ options, limits, signal, note, problem, grade, cannotTell }) {
    const seen = await Promise.all(
      options.tcp.map(async (port) => ({ port, look: await lookAt(port, limits.slow, signal) })),
    )
    const found: Problem[] = []
    const untold: Text[] = []
    let open = 0
    for (const { port, look } of seen) {
      if (look instanceof ConnectionFailure) {
        if (look.kind === 'local' || look.kind === 'not-allowed') untold.push(look.summary)
        else found.push(failed(port, look))
        continue
      }
      open++
      const severity = grade(look, { warning: limits.slow }, port.at.text)
      if (severity !== null) found.push(slow(port, look, limits.slow))
    }
    note(say`${open} of ${count(seen.length, 'port')} take connections`)
    tellSome(found, problem)
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

/** How long the connect took in milliseconds, or why there is none. One slow connect says little: then the better of two counts. */
async function lookAt(port: Port, slow: number, signal: AbortSignal): Promise<number | ConnectionFailure> {
  try {
    const first = await connectTime(port, signal)
    const took = first > slow * 0.9 ? Math.min(first, await connectTime(port, signal)) : first
    if (port.tls) await mustShakeHands(port, signal)
    if (port.says !== undefined) await mustSay(port, port.says, signal)
    return took
  } catch (error) {
    if (error instanceof ConnectionFailure) return error
    throw error
  }
}

async function connectTime({ at }: Port, signal: AbortSignal): Promise<number> {
  const start = performance.now()
  const socket = await connectTcp(at, { signal })
  const took = performance.now() - start
  socket.destroy()
  return took
}

async function mustShakeHands({ at: { host, port, text }, ca }: Port, signal: AbortSignal): Promise<void> {
  const { distrust, chain } = await lookAtTls({ host, port, ca }, { signal })
  const [kind] = distrust
  if (kind === undefined) return
  const detail = say`it is for ${chain[0]?.name ?? ''}, issued by ${chain[0]?.issuer ?? ''}`
  throw new ConnectionFailure(kind, text, { detail })
}

/** Milliseconds until a server must have said something. */
const patience = 3000

async function mustSay({ at, send }: Port, words: string, signal: AbortSignal): Promise<void> {
  const start = performance.now()
  const heard = await rawProbe(at, {
    signal,
    listen: patience,
    ...(send !== undefined && { send: unescaped(send) }),
  })
  signal.throwIfAborted()
  if (heard.includes(words)) return
  if (heard !== '') {
    const detail = say`it begins with "${excerpt(heard)}" and should say "${words}"`
    throw new ConnectionFailure('protocol', at.text, { detail })
  }
  const isSilent = performance.now() - start >= patience
  throw isSilent
    ? new ConnectionFailure('timeout-reply', at.text, {
        detail: say`nothing within ${milliseconds(patience)}`,
      })
    : new ConnectionFailure('reset', at.text)
}

/** Line ends may be written as `\r\n`, as a plain YAML string does not know them. */
const unescaped = (text: string) => text.replaceAll('\\r', '\r').replaceAll('\\n', '\n')

/** The first characters that can be printed, in one line. */
const excerpt = (heard: string) =>
  heard
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 40)

function failed({ at }: Port, { severity, summary, advice, kind }: ConnectionFailure): Problem {
  return { key: at.text, severity, summary, advice, evidence: { kind, address: at.text } }
}

function slow({ at }: Port, took: number, limit: number): Problem {
  return {
    key: at.text,
    severity: 'warning',
    summary: say`a connect to ${at.text} takes ${milliseconds(took)} (limit ${milliseconds(limit)})`,
    advice: say`look at the network on the way, at the resolver of this host, and at a server that is slow to accept`,
    evidence: { connectMs: Math.round(took), address: at.text },
  }
}
