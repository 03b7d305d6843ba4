import {
  CannotTell,
  ConnectionFailure,
  type Pair,
  type Problem,
  type RedisConnection,
  render,
  type StepContext,
  say,
  type Text,
  tellSome,
} from 'healthz'
import type { RedisOptions } from './options.ts'
import type { RedisTarget } from './target.ts'

type Context<Limits> = StepContext<RedisTarget, RedisOptions, Limits>

/** What a step about the condition of a server has to ask one of them; what it says names a node of a cluster. */
export interface NodeContext<Limits> extends Omit<Context<Limits>, 'recall' | 'remember' | 'compare'> {
  readonly node: RedisConnection
}

/** What a server counts, in one life of its process. */
export interface Counted {
  readonly run: string
}

/**
 * The check of a step that asks the entry's server, or all nodes of a cluster at once; those that are not reached are
 * left to the step about the cluster. It fails as its one server does; of a cluster it first tells what the others say.
 */
export function onEachNode<Limits>(ask: (each: NodeContext<Limits>) => Promise<void>) {
  return async (context: Context<Limits>): Promise<void> => {
    const round = await begin(context)
    await round.each((node) => ask(round.contextOf(node)))
    round.end()
  }
}

/** The same, with two samples of what each counts. What was not sampled before, in this life, has not grown. */
export function compareEachNode<Limits, Sample extends Counted>(
  take: (node: RedisConnection) => Promise<Sample>,
  ask: (each: NodeContext<Limits> & Pair<Sample>) => Promise<void>,
) {
  return async (context: Context<Limits>): Promise<void> => {
    const round = await begin(context)
    const samples = async () => {
      const answers = await round.each(take)
      // Where none answers, what was sampled before is kept.
      if (answers.length === 0) round.end()
      return Object.fromEntries(answers)
    }
    const { before, after, apart } = await context.compare(samples, (before, after) =>
      Object.entries(after).some(([address, { run }]) => before[address]?.run === run),
    )
    await round.each(async (node) => {
      const now = after[node.address]
      if (now === undefined) return
      const earlier = before[node.address]
      const pair = { before: earlier?.run === now.run ? earlier : now, after: now, apart }
      await ask({ ...round.contextOf(node), ...pair })
    })
    round.end()
  }
}

async function begin<Limits>(context: Context<Limits>) {
  const { target, options, note, problem } = context
  const isCluster = options.mode === 'cluster'
  const { reached, strayed } = isCluster ? await target.nodes() : { reached: [target.node], strayed: [] }
  const missed = strayed.slice(0, mostNamed).map(({ address }) => address)
  if (missed.length > 0) note(say`not asked: ${missed}`)
  const found = new Map<RedisConnection, Problem[]>(reached.map((node) => [node, []]))
  const failed = new Map<RedisConnection, unknown>()
  return {
    /** What each answers, by its address. Who fails is asked nothing more. */
    async each<Answer>(ask: (node: RedisConnection) => Promise<Answer>) {
      const asked = reached.filter((node) => !failed.has(node))
      const answers = await Promise.all(
        asked.map(async (node): Promise<[string, Answer][]> => {
          try {
            return [[node.address, await ask(node)]]
          } catch (error) {
            failed.set(node, error)
            return []
          }
        }),
      )
      return answers.flat()
    },
    contextOf(node: RedisConnection): NodeContext<Limits> {
      const tell = (one: Problem) => void found.get(node)?.push(one)
      return isCluster ? named(context, node, tell) : { ...context, node, problem: tell }
    },
    end() {
      tellSome([...found.values()].flat(), problem)
      if (failed.size > 0) throw isCluster ? failureOf(failed) : [...failed.values()][0]
    },
  }
}

function named<Limits>(
  context: Context<Limits>,
  node: RedisConnection,
  tell: (one: Problem) => void,
): NodeContext<Limits> {
  const { address } = node
  const keyOf = (key = '') => (key === '' ? address : `${key}/${address}`)
  return {
    ...context,
    node,
    note: (text) => context.note(say`${address}: ${text}`),
    grade: (value, limits, key) => context.grade(value, limits, keyOf(key)),
    problem(one) {
      const evidence = { node: address, ...one.evidence }
      tell({ ...one, key: keyOf(one.key), summary: naming(address, one.summary), evidence })
    },
  }
}

const naming = (address: string, text: Text): Text =>
  render(text).includes(address) ? text : say`${address}: ${text}`

/** What nobody else tells is the step's own to say; a node that does not serve is told by "connect". */
function failureOf(failed: ReadonlyMap<RedisConnection, unknown>): unknown {
  const errors = [...failed]
  const strange = errors.find(([, error]) => !(isBlind(error) || error instanceof ConnectionFailure))
  if (strange !== undefined) return strange[1]
  const reasons = errors.flatMap(([{ address }, error]) =>
    isBlind(error) ? [naming(address, error instanceof CannotTell ? error.reason : error.summary)] : [],
  )
  return reasons.length > 0 ? new CannotTell(say`${reasons.slice(0, mostNamed)}`) : errors[0]?.[1]
}

/** A missing right, a version that does not say it, or trouble of this host: nothing about a node. */
function isBlind(error: unknown): error is CannotTell | ConnectionFailure {
  if (error instanceof ConnectionFailure) return error.kind === 'not-allowed' || error.kind === 'local'
  return error instanceof CannotTell
}

/** So many are named in one sentence. */
const mostNamed = 5
