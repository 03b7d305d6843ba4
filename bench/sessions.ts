import { setTimeout as sleep } from 'node:timers/promises'
import type { Beat, Coordinator, Reply, Request } from '../src/cluster/protocol.ts'
import { connectLink } from '../src/cluster/redis/link.ts'
import { createCoordinator, prefixOf } from '../src/cluster/scripts/scripts.ts'
import type { ClusterTiming } from '../src/core/cluster.ts'
import { clusterName, planOf } from './cluster.ts'

/** Sessions of members that are active and change no more, but beat. */
export interface Sessions extends AsyncDisposable {
  /** Each beats at its pace for so many milliseconds. */
  beatFor(ms: number): Promise<Beats>
  /** As often asks PING. Resolves to how many were answered. */
  pingFor(ms: number): Promise<number>
  /** Some beat and are told all members. Resolves to how many did. */
  beatAnew(): Promise<number>
  /** How long all members are, as one answer has them. */
  bytes(): number
}

export interface Beats {
  readonly taken: number
  readonly failed: number
  /** Milliseconds until each was answered. */
  readonly took: readonly number[]
}

interface Session {
  readonly key: string
  readonly session: number
  readonly coordinator: Coordinator
  readonly ping: () => Promise<unknown>
  vitalsAt: number
}

const vitalsEvery = 5000
const vitals = JSON.stringify({
  at: 1_795_230_686_373,
  clockOffset: -1,
  roundTrip: 2,
  interval: 549,
  loopLag: 12,
  uptime: 86_400_000,
  rounds: 86_400,
  overruns: 0,
})

/** Joins `nodes` sessions over at most a hundred connections, and waits until all are active. */
export async function startSessions(url: string, nodes: number, timing: ClusterTiming): Promise<Sessions> {
  await using stack = new AsyncDisposableStack()
  const patience = 10_000
  const ways = Array.from({ length: Math.min(nodes, 100) }, () => {
    const link = connectLink(planOf(url), {
      name: 'control',
      commandTimeout: patience,
      connectTimeout: 1000,
      slotKey: prefixOf(clusterName),
    })
    // One process takes longer to play the joining of all than they would: nobody is to be gone meanwhile.
    const patient = { ...timing, lease: 120_000 }
    const options = { cluster: clusterName, timing: patient, server: () => link.server() }
    return { coordinator: stack.use(createCoordinator(link, options)), ping: () => link.call('PING') }
  })
  await Promise.all(ways.map(({ ping }) => ping()))

  let known: Pick<Beat, 'generation' | 'version' | 'members'> = { generation: '', version: -1, members: null }
  const learn = (reply: Reply): Beat => {
    if (reply.type !== 'joined' && reply.type !== 'ticked')
      throw new Error(`Redis answered: ${JSON.stringify(reply)}`)
    known = { ...reply, members: reply.members ?? known.members }
    return reply
  }
  const beat = async ({ key, session, coordinator, ...more }: Session, version = known.version) => {
    const isDue = performance.now() >= more.vitalsAt
    const request: Request = {
      type: 'tick',
      key,
      session,
      generation: known.generation,
      floor: session,
      version,
      spent: 0,
      vitals: isDue ? vitals : '',
      info: '',
    }
    return learn(await coordinator.call(request, patience))
  }

  const sessions: Session[] = []
  for (let index = 0; index < nodes; index++) {
    const way = ways[index % ways.length]
    if (way === undefined) throw new Error('there is no connection')
    const name = `watch-${index}`
    const key = `${name}@${String(index).padStart(8, '0')}`
    const { session } = learn(
      await way.coordinator.call({ type: 'join', key, info: infoOf(name), floor: 0 }, patience),
    )
    sessions.push({ ...way, key, session, vitalsAt: performance.now() + Math.random() * vitalsEvery })
  }
  while (known.members?.some(({ state }) => state !== 'active')) {
    for (const session of sessions) await beat(session)
  }

  /** Each session acts at its pace, at a moment of its own. */
  const paced = async (ms: number, act: (session: Session) => Promise<void>) => {
    const end = performance.now() + ms
    await Promise.all(
      sessions.map(async (session) => {
        await sleep(Math.random() * timing.beat)
        while (performance.now() < end) {
          const next = performance.now() + timing.beat * (0.9 + 0.2 * Math.random())
          await act(session)
          await sleep(Math.max(0, next - performance.now()))
        }
      }),
    )
  }
  const owned = stack.move()
  return {
    async beatFor(ms) {
      const took: number[] = []
      let failed = 0
      await paced(ms, async (session) => {
        const start = performance.now()
        try {
          await beat(session)
          took.push(performance.now() - start)
        } catch {
          failed++
        }
        if (start >= session.vitalsAt) session.vitalsAt = start + vitalsEvery
      })
      return { taken: took.length, failed, took }
    },
    async pingFor(ms) {
      let answered = 0
      await paced(ms, async ({ ping }) => {
        await ping()
        answered++
      })
      return answered
    },
    async beatAnew() {
      const some = sessions.slice(0, 100)
      for (const session of some) await beat(session, -1)
      return some.length
    },
    bytes: () => JSON.stringify(known.members).length,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function infoOf(name: string): string {
  return JSON.stringify({
    name,
    address: `${name}.internal:9180`,
    roles: [],
    version: '1.0.0',
    config: 'c0ffee'.repeat(8),
    host: name,
    pid: 4242,
  })
}
