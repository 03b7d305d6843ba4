import type { ClusterRecords, ClusterTiming } from '../../core/cluster.ts'
import { CoordinatorLost, type Guard, type RedisLink, type Script } from '../../core/redis-link.ts'
import type { Coordinator, Reply, Request } from '../protocol.ts'
import type { CoordinatorLink } from '../redis/link.ts'
import { controlScripts, guardLua, isolatedScripts, recordsScripts, type Scripts } from './lua.ts'
import { readRecordsReply, readReply } from './replies.ts'

export interface CoordinatorOptions {
  /** The cluster's name. */
  readonly cluster: string
  readonly timing: ClusterTiming
  /** The run id of the server that the link is connected to; empty: not known. */
  readonly server: () => string
  /** A heartbeat counts only where so many replicas have it too; none if left out. */
  readonly minReplicas?: number
}

/** Asks Redis, one script a request. The link is its own from then on, and ends with it. */
export function createCoordinator(
  link: Pick<CoordinatorLink, keyof RedisLink | 'runReplicated'>,
  options: CoordinatorOptions,
): Coordinator {
  const { cluster, timing, server, minReplicas = 0 } = options
  const scripts = controlScripts()
  const keys = controlKeys(cluster)
  const { lease, clockStep } = timing
  const inForm = formsOf(server)

  async function perform(request: Request, endsAt: number): Promise<Reply> {
    const asked = server()
    const args = [asked, lease, clockStep, hintChannel(cluster), request.key, ...argsOf(request, timing)]
    const script = scripts[request.type]
    const isBeat = request.type === 'join' || request.type === 'tick'
    if (minReplicas === 0 || !isBeat) {
      const reply = readReply(await inForm(script, (form) => link.run(form, keys, args)))
      if (request.type !== 'claim' || server() === asked) return reply
      // The server that answered was told the run id of the one before it, and so knew of no quarantine.
      throw new CoordinatorLost('unreachable', 'another server answered than the one that was asked')
    }
    const { reply, replicas } = await inForm(script, (form) =>
      link.runReplicated(form, keys, args, { replicas: minReplicas, wait: patienceUntil(endsAt) }),
    )
    const read = readReply(reply)
    if (read.type === 'refused' || replicas >= minReplicas) return read
    throw new CoordinatorLost('noreplicas', `${replicas} of ${minReplicas} replicas have the heartbeat`)
  }

  return {
    async call(request, deadline) {
      const late = Promise.withResolvers<never>()
      const timer = setTimeout(() => {
        late.reject(new CoordinatorLost('slow', `no answer from Redis within ${deadline} ms`))
        // What was sent may still be done, but no answer to it can be taken for the answer to a later question.
        link.reset()
      }, deadline)
      try {
        return await Promise.race([perform(request, performance.now() + deadline), late.promise])
      } catch (error) {
        throw asLost(error)
      } finally {
        clearTimeout(timer)
      }
    },
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  }
}

/** Where hints are published that something has changed; nothing depends on them. */
export function hintChannel(cluster: string): string {
  return `${prefixOf(cluster)}wake`
}

/** What a writer is, as of now: its session and the data and server that it knows. */
export interface GuardHolder {
  readonly key: string
  readonly session: number
  readonly generation: string
  /** The run id of the server; empty: not known. */
  readonly server: string
}

/**
 * The guard of a store's scripts. `guard` returns why a writer is refused: `fence` (its fence names no seat),
 * `generation` (the data were lost since), `session` (its session is over), `seat` (it no longer holds the seat with
 * this epoch; for the seat `node` the epoch is that of the session).
 */
export function guardFor(cluster: string, holder: () => GuardHolder): Guard {
  return {
    lua: guardLua(),
    keys: controlKeys(cluster).slice(0, 4),
    width: 6,
    args(fence) {
      const { key, session, generation, server } = holder()
      return [server, generation, key, session, fence.seat ?? '', fence.epoch]
    },
  }
}

const day = 86_400_000

/**
 * What all nodes have written down. Members that vanished longer ago than `forgetAfter` milliseconds are forgotten, as
 * are reports of isolated nodes older than a minute.
 *
 * @throws as `RedisLink.run`
 */
export async function readRecords(
  link: RedisLink,
  cluster: string,
  forgetAfter = day,
): Promise<ClusterRecords> {
  const keys = [...controlKeys(cluster), isolatedKey(cluster)]
  const inForm = formsOf(() => '')
  return readRecordsReply(await inForm(recordsScripts(), (form) => link.run(form, keys, [forgetAfter])))
}

/** Writes down that a node cannot reach Redis, for a minute. Throws as `RedisLink.run`. */
export async function reportIsolated(
  link: RedisLink,
  cluster: string,
  report: Pick<ClusterRecords['isolated'][number], 'name' | 'fault'>,
): Promise<void> {
  const args = [report.name, report.fault]
  await formsOf(() => '')(isolatedScripts(), (form) => link.run(form, [isolatedKey(cluster)], args))
}

/** An idle Redis looks only every 100 ms whether a WAIT is over: so long its answer may be late. */
function patienceUntil(endsAt: number): number {
  const left = endsAt - performance.now()
  return Math.max(Math.floor(Math.max(left - 150, left / 4)), 1)
}

function argsOf(request: Request, { settle, batch }: ClusterTiming): readonly (string | number)[] {
  switch (request.type) {
    case 'join':
      return [request.info, request.floor, settle, batch]
    case 'tick': {
      const { session, generation, floor, version, spent, vitals, info } = request
      return [session, generation, floor, version, spent, vitals, info]
    }
    case 'claim':
      return [request.session, request.floor, ...request.seats]
    case 'release':
      return [request.session, request.upTo, ...request.seats]
    case 'retire':
    case 'leave':
      return [request.session]
  }
}

/**
 * Runs a script in the form that the server takes. One that knows no flags says so once; whether the next server does
 * is asked anew.
 */
function formsOf(server: () => string) {
  let knowsNoFlags: string | null = null
  return async <Result>(
    { flagged, plain }: Scripts,
    run: (form: Script) => Promise<Result>,
  ): Promise<Result> => {
    if (knowsNoFlags === server()) return run(plain)
    try {
      return await run(flagged)
    } catch (error) {
      if (!(error instanceof Error) || !/Error compiling script/.test(error.message)) throw error
      knowsNoFlags = server()
      return run(plain)
    }
  }
}

function asLost(error: unknown): CoordinatorLost {
  if (error instanceof CoordinatorLost) return error
  return new CoordinatorLost('other', error instanceof Error ? error.message : String(error), {
    cause: error,
  })
}

function controlKeys(cluster: string): readonly string[] {
  return ['ctl', 'mem', 'nfo', 'own', 'vit', 'lost', 'chg'].map((name) => `${prefixOf(cluster)}${name}`)
}

function isolatedKey(cluster: string): string {
  return `${prefixOf(cluster)}iso`
}

/** What the keys of a cluster begin with. The braces keep them all in one slot of Redis Cluster. */
export function prefixOf(cluster: string): string {
  return `{hz:${cluster}}:`
}
