import { createDegraded, type Degraded, type DegradedPorts } from '../../../src/cluster/degraded.ts'
import type { Handed } from '../../../src/cluster/peers/messages.ts'
import type { Outage } from '../../../src/cluster/picker/types.ts'
import { Secret } from '../../../src/core/secret.ts'
import { systemClock } from '../../../src/engine/system-clock.ts'
import { serve } from '../../../src/http/server.ts'
import { startTcpFaultProxy, type TcpFault, type TcpFaultProxy } from '../servers/tcp-fault-proxy.ts'
import { fastTiming } from './timing.ts'

export const lostOutage: Outage = { cluster: 'shop', generation: 'g1', lastEpoch: 7 }

/** What a test sees of one node. */
export interface DegradedNode {
  readonly name: string
  readonly degraded: Degraded
  /** How often it was to speak, and whether each time was new. */
  readonly spoken: boolean[]
  readonly accepted: Handed[]
  readonly missing: string[]
  health: ReturnType<DegradedPorts['health']>
  begin(outage?: Outage): void
  /** Ends it as a crash would: nothing answers any more. */
  kill(): Promise<void>
}

export interface DegradedNodes extends AsyncDisposable {
  readonly nodes: readonly DegradedNode[]
  node(name: string): DegradedNode
  /** Cuts or heals the way from one to another, or all ways between two sets. */
  link(from: readonly string[], to: readonly string[], mode: TcpFault): Promise<void>
}

export interface NodesPlan {
  readonly names: readonly string[]
  /** Which nodes know the others by their view; the others have them as seeds. Default: all. */
  readonly hasView?: (name: string) => boolean
  /** How far a node's wall clock is off, in milliseconds. */
  readonly skew?: (name: string) => number
  readonly secretOf?: (name: string) => string
}

/** Nodes that have lost Redis, each with a real HTTP server, and a fault proxy on the way from each to each. */
export async function startDegradedNodes(plan: NodesPlan): Promise<DegradedNodes> {
  const { names, hasView = () => true, skew = () => 0, secretOf = () => 'shared' } = plan
  await using stack = new AsyncDisposableStack()
  const proxies = new Map<string, TcpFaultProxy>()
  const handles = new Map<string, Degraded['handle']>()
  const servers = new Map<string, AsyncDisposable>()
  for (const to of names) {
    const failed = (_: string, error: unknown) => {
      throw error
    }
    const post: Degraded['handle'] = async (request) => {
      const handle = handles.get(to)
      if (handle === undefined) throw new Error(`${to} does not run yet`)
      return await handle(request)
    }
    const server = await serve({ host: '127.0.0.1', port: 0 }, () => ({}), failed, post)
    servers.set(to, stack.use(server))
    for (const from of names) {
      if (from !== to) proxies.set(`${from} ${to}`, stack.use(await startTcpFaultProxy(server.port)))
    }
  }
  const addressFor = (from: string, to: string) => `127.0.0.1:${proxies.get(`${from} ${to}`)?.port}`

  const nodes = names.map((name): DegradedNode => {
    const others = names.filter((other) => other !== name)
    const places = others.map((other) => ({ name: other, address: addressFor(name, other) }))
    const degraded = createDegraded({
      self: name,
      cluster: 'shop',
      secret: new Secret(secretOf(name)),
      clock: { ...systemClock, now: () => systemClock.now() + skew(name) },
      timing: fastTiming,
      peersOf: () => (hasView(name) ? places : []),
      seeds: hasView(name) ? [] : places.map(({ address }) => address),
      health: () => node.health,
      speak(outage, isNew) {
        node.spoken.push(isNew)
        if (isNew) degraded.told(outage)
      },
      changed() {},
      async accept(alarms) {
        node.accepted.push(...alarms)
        const keys = alarms.map(({ channel, alarm: { dedupKey } }) => ({ channel, dedupKey }))
        const isSent = (_: unknown, index: number) => alarms[index]?.attempts === 9
        const pending = keys.filter((key, index) => !isSent(key, index))
        return { sent: keys.filter(isSent), pending, declined: [] }
      },
      async reported(missing) {
        node.missing.push(...missing.map((one) => one.name))
      },
    })
    handles.set(name, degraded.handle)
    const node: DegradedNode = {
      name,
      degraded,
      spoken: [],
      accepted: [],
      missing: [],
      health: { beatAge: 5000, fault: 'unreachable', canTell: true },
      begin(outage = lostOutage) {
        degraded.begin(outage, hasView(name) ? names : [name])
      },
      async kill() {
        await degraded[Symbol.asyncDispose]()
        await servers.get(name)?.[Symbol.asyncDispose]()
      },
    }
    stack.defer(() => degraded[Symbol.asyncDispose]())
    return node
  })

  const kept = stack.move()
  return {
    nodes,
    node(name) {
      const node = nodes.find((one) => one.name === name)
      if (node === undefined) throw new Error(`no node ${name}`)
      return node
    },
    async link(from, to, mode) {
      for (const one of from) for (const other of to) await proxies.get(`${one} ${other}`)?.become(mode)
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
