import { hintChannel, readRecords } from '../cluster/scripts/scripts.ts'
import { render, say } from '../core/text.ts'
import { systemClock } from '../engine/system-clock.ts'
import { CommandFault, type Context } from './context.ts'
import { asking } from './coordinator.ts'
import { loadConfiguration } from './load.ts'
import { clusterOf } from './ring.ts'
import type { RootOptions } from './root-options.ts'

/** How long a hand-over is waited for, in milliseconds, and how often it is looked for. */
const [patience, lookEvery] = [10_000, 100]

/** `healthz resign`: asks the leader to hand over, and says who leads then. */
export async function resign(options: RootOptions, context: Context): Promise<number> {
  const plan = await loadConfiguration(options, context)
  const cluster = clusterOf(plan)
  const { link, ask } = await asking(plan, cluster)
  await using _ = link
  const tell = (text: Parameters<typeof render>[0]) => render(text, plan.language)
  const look = async () => ask(() => readRecords(link, cluster.name, cluster.forgetAfter))
  const before = await look()
  if (before.leader === null)
    throw new CommandFault(tell(say`healthz: nobody leads at this moment`), { exitCode: 1 })
  if (before.members.filter(({ state }) => state === 'active').length < 2) {
    throw new CommandFault(
      tell(say`healthz: ${before.leader.name} is the only active member: there is nobody to hand over to`),
      { exitCode: 1 },
    )
  }
  await ask(() => link.call('PUBLISH', hintChannel(cluster.name), 'resign'))
  const until = systemClock.elapsed() + patience
  while (systemClock.elapsed() < until && !context.signal.aborted) {
    const { leader } = await look()
    if (leader !== null && leader.epoch !== before.leader.epoch) {
      await context.stdout.write(`${tell(say`${before.leader.name} has resigned; ${leader.name} leads`)}\n`)
      return 0
    }
    await systemClock.sleep(lookEvery, context.signal).catch(() => {})
  }
  throw new CommandFault(
    tell(
      say`healthz: ${before.leader.name} did not hand over within ${`${patience / 1000}`} s; look at its log`,
    ),
    { exitCode: 1 },
  )
}
