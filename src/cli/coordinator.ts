import type { ClusterPlan } from '../core/cluster.ts'
import type { Plan } from '../core/plan.ts'
import { CoordinatorLost, type RedisLink } from '../core/redis-link.ts'
import { render, say, type Text } from '../core/text.ts'
import { CommandFault } from './context.ts'

/** The coordinating Redis of a plan, for a command that asks it once. */
export interface Asking {
  readonly link: RedisLink
  /** The prefix of all keys of the cluster. */
  readonly prefix: string
  /** Asks; where Redis does not answer, the command ends with a message that says why. */
  ask<Result>(question: () => Promise<Result>): Promise<Result>
}

export async function asking({ language }: Plan, cluster: ClusterPlan): Promise<Asking> {
  const [{ askingLink }, { prefixOf }] = await Promise.all([
    import('../app/beside.ts'),
    import('../cluster/scripts/scripts.ts'),
  ])
  const link = askingLink(cluster)
  return {
    link,
    prefix: prefixOf(cluster.name),
    async ask(question) {
      try {
        return await question()
      } catch (error) {
        if (!(error instanceof CoordinatorLost)) throw error
        const { summary, advice, isLasting } = await whyLost(error, cluster)
        const why = render(say`healthz: the coordinating Redis cannot be asked: ${summary}`, language)
        throw new CommandFault(`${why}\n    ${render(advice, language)}`, {
          exitCode: isLasting ? 2 : 3,
        })
      }
    },
  }
}

/** Why the coordinating Redis cannot be asked, and what to do. `isLasting`: until a person changes something. */
export async function whyLost(
  error: CoordinatorLost,
  cluster: ClusterPlan,
): Promise<{ readonly summary: Text; readonly advice: Text; readonly isLasting: boolean }> {
  const { preflight } = await import('../cluster/preflight/preflight.ts')
  const { lossWords } = await import('../cluster/preflight/words.ts')
  const { faults } = await preflight(cluster)
  if (faults[0] !== undefined) return { ...faults[0], isLasting: true }
  const { finding, isLasting } = lossWords(error, nameOf(cluster), cluster.redis)
  return { ...finding, isLasting }
}

function nameOf({ redis: { kind, master, servers } }: ClusterPlan): string {
  if (kind === 'sentinel') return master
  return servers
    .map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`))
    .join()
}
