import type { Beat, Reply, Request } from '../../../src/cluster/protocol.ts'
import { createCoordinator } from '../../../src/cluster/scripts/scripts.ts'
import type { ClusterTiming, MemberInfo, Vitals } from '../../../src/core/cluster.ts'
import type { Redis } from '../servers/redis.ts'
import { openTestLink, type TestLink } from './redis-link.ts'
import { memberInfo } from './requests.ts'
import { fastTiming } from './timing.ts'

/** Members that ask the real scripts, in a time of their own: it stands still between the requests. */
export interface ScriptedCluster extends AsyncDisposable {
  readonly link: TestLink
  readonly name: string
  /** Lets the server's clock jump; the lease clock follows by a step at most. */
  jump(ms: number): void
  wall(): number
  /** Another process answers from now on. */
  restart(): void
  server(): string
  ask(request: Request): Promise<Reply>
  /** Joins, without time to become active. `node` is its name; the key adds an incarnation. */
  join(node: string, incarnation?: number): Promise<Actor>
  /** Lets so much lease time pass in which only these members beat. */
  live(ms: number, ...actors: readonly Actor[]): Promise<void>
  /** Members that are active, with the quarantine over. */
  active(...nodes: readonly string[]): Promise<readonly Actor[]>
}

export interface Actor {
  readonly key: string
  readonly name: string
  /** What it was told last. */
  readonly last: () => Beat
  tick(more?: { spent?: number; vitals?: Vitals; info?: MemberInfo; floor?: number }): Promise<Reply>
  claim(...seats: readonly string[]): Promise<Reply>
  /** Whatever their epochs are. */
  release(...seats: readonly string[]): Promise<Reply>
  releaseUpTo(upTo: number, ...seats: readonly string[]): Promise<Reply>
  retire(): Promise<Reply>
  leave(session?: number): Promise<Reply>
}

export async function openCluster(
  redis: Redis,
  timing: ClusterTiming = fastTiming,
): Promise<ScriptedCluster> {
  const name = 'named'
  let wall = 1_800_000_000_000
  let server = 'server-1'
  const link = await openTestLink(redis, () => wall)
  await link.call('FLUSHALL')
  const coordinator = createCoordinator(link, { cluster: name, timing, server: () => server })
  const ask = (request: Request) => coordinator.call(request, 20_000)

  async function join(node: string, incarnation = 1): Promise<Actor> {
    const key = `${node}@${incarnation}`
    let last = beatIn(await ask({ type: 'join', key, info: JSON.stringify(memberInfo(node)), floor: 0 }))
    const releaseUpTo = (upTo: number, ...seats: readonly string[]) =>
      ask({ type: 'release', key, session: last.session, seats, upTo })
    return {
      key,
      name: node,
      last: () => last,
      async tick({ spent = 0, vitals, info, floor = 0 } = {}) {
        const { session, generation, version } = last
        const known = { key, session, generation, version, floor, spent }
        const said = { vitals: json(vitals), info: json(info) }
        const reply = await ask({ type: 'tick', ...known, ...said })
        if (reply.type === 'ticked') last = reply
        return reply
      },
      claim: (...seats) => ask({ type: 'claim', key, session: last.session, floor: 0, seats }),
      release: (...seats) => releaseUpTo(Number.MAX_SAFE_INTEGER, ...seats),
      releaseUpTo,
      retire: () => ask({ type: 'retire', key, session: last.session }),
      leave: (session = last.session) => ask({ type: 'leave', key, session }),
    }
  }

  async function live(ms: number, ...actors: readonly Actor[]): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      wall += 250
      // A question without effect, so that the clock goes on where nobody beats.
      if (actors.length === 0) await ask({ type: 'leave', key: 'nobody@1', session: 1 })
      for (const actor of actors) await actor.tick()
    }
  }

  return {
    link,
    name,
    jump(ms) {
      wall += ms
    },
    wall: () => wall,
    restart() {
      server = `server-${Number(server.split('-')[1]) + 1}`
    },
    server: () => server,
    ask,
    join,
    live,
    async active(...nodes) {
      const actors: Actor[] = []
      for (const node of nodes) actors.push(await join(node))
      await live(timing.lease, ...actors)
      return actors
    },
    [Symbol.asyncDispose]: () => coordinator[Symbol.asyncDispose](),
  }
}

function json(said: object | undefined): string {
  return said ? JSON.stringify(said) : ''
}

function beatIn(reply: Reply): Beat {
  if (reply.type === 'joined') return reply
  throw new Error(`was not let in: ${JSON.stringify(reply)}`)
}
