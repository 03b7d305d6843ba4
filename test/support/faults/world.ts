import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { startListening } from '../servers/listening.ts'
import type { Delivery, Mending, Signal } from './history.ts'

/** What the nodes watch, and whom they tell. */
export interface World extends AsyncDisposable {
  readonly url: string
  readonly signals: readonly Readonly<Signal>[]
  readonly deliveries: readonly Delivery[]
  readonly mendings: readonly Mending[]
  /** Puts up a signal that stands until it is taken down, or is mended where it can be. Returns its key. */
  raise(entry: string, options?: { readonly mends?: boolean }): string
  /** Takes down what people were told of. */
  lowerTold(): void
  /** How it takes alarms from now on. */
  receive(how: 'take' | 'refuse' | 'hang'): void
  /** Signals of which nobody was told yet. */
  untold(): readonly Readonly<Signal>[]
  /** Signals told as raised and taken down, whose end was not told yet. */
  unended(): readonly Readonly<Signal>[]
}

const digest = z.object({
  node: z.string(),
  alarms: z.array(
    z.object({
      dedupKey: z.string(),
      occurrence: z.string(),
      kind: z.string(),
      entry: z.string(),
      step: z.string(),
      key: z.string(),
    }),
  ),
})
const mending = z.object({ entry: z.string(), key: z.string(), pid: z.number() })

/** Starts the world: signals to be watched, and a receiver of alarms that keeps what comes, and when. */
export async function startWorld(): Promise<World> {
  const signals = new Map<string, Signal>()
  const deliveries: Delivery[] = []
  const mendings: Mending[] = []
  /** The words that were taken, by signal. */
  const told = new Map<string, Set<string>>()
  let how: 'take' | 'refuse' | 'hang' = 'take'

  async function answer(
    path: string,
    body: string,
    at: number,
  ): Promise<{ status: number; json?: unknown } | null> {
    const url = new URL(path, 'http://world')
    if (url.pathname === '/signals') {
      const up = [...signals.values()].filter(
        (one) => one.entry === url.searchParams.get('entry') && one.downAt === null,
      )
      return { status: 200, json: up.map(({ key, mends }) => ({ key, mends })) }
    }
    if (url.pathname === '/mend') {
      const what = mending.parse(JSON.parse(body))
      mendings.push({ at, ...what })
      const signal = signals.get(what.key)
      if (signal !== undefined) signal.downAt ??= at
      return { status: 200 }
    }
    const { node, alarms } = digest.parse(JSON.parse(body))
    deliveries.push({ at, node, alarms, isTaken: how === 'take' })
    if (how === 'hang') return null
    if (how === 'refuse') return { status: 503 }
    for (const { key, kind } of alarms) told.set(key, (told.get(key) ?? new Set()).add(kind))
    return { status: 200 }
  }

  const listening = await startListening(() => ({
    server: createServer(async (request, response) => {
      const at = Date.now()
      try {
        const answered = await answer(request.url ?? '', await text(request), at)
        if (answered !== null) response.writeHead(answered.status).end(JSON.stringify(answered.json ?? {}))
      } catch (error) {
        // A node that was killed has sent half of it.
        response.writeHead(400).end(String(error))
      }
    }),
  }))
  const wordsOf = ({ key }: Signal) => told.get(key) ?? new Set()
  return {
    url: `http://127.0.0.1:${listening.port}`,
    get signals() {
      return [...signals.values()]
    },
    deliveries,
    mendings,
    raise(entry, { mends = false } = {}) {
      const key = `k${signals.size + 1}`
      signals.set(key, { key, entry, mends, at: Date.now(), downAt: null })
      return key
    },
    lowerTold() {
      for (const signal of signals.values())
        if (signal.downAt === null && wordsOf(signal).has('raised')) signal.downAt = Date.now()
    },
    receive(next) {
      how = next
    },
    untold: () =>
      [...signals.values()].filter((one) => !wordsOf(one).has('raised') && !wordsOf(one).has('healed')),
    unended: () =>
      [...signals.values()].filter((one) => {
        return one.downAt !== null && wordsOf(one).has('raised') && !wordsOf(one).has('recovered')
      }),
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  }
}
