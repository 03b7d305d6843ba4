import { count, duration, milliseconds, type Problem, say, tellSome, z } from 'healthz'
import { step } from './target.ts'

/** Every target that Prometheus knows can be scraped. */
export const targets = step({
  title: say`every target is scraped`,
  on: ({ url }) => url !== undefined,
  limits: z.strictObject({ down: duration('5m') }),
  async check({ target, limits, signal, now, note, problem, recall, remember }) {
    const { activeTargets } = await target.get('/api/v1/targets?state=active', shape, signal)
    const before = recall<Readonly<Record<string, number>>>()?.value ?? {}
    const down = activeTargets
      .filter(({ health }) => health === 'down')
      .map((found) => {
        const id = `${found.scrapePool} ${found.labels['instance'] ?? ''}`
        return { ...found, id, since: before[id] ?? now() }
      })
    remember(Object.fromEntries(down.slice(0, most).map(({ id, since }) => [id, since])))
    note(say`${count(activeTargets.length, 'target')}, ${down.length} down`)
    const long = down.filter(({ since }) => now() - since >= limits.down)
    const jobs = Map.groupBy(long, ({ scrapePool }) => scrapePool)
    const sizes = Map.groupBy(activeTargets, ({ scrapePool }) => scrapePool)
    const found = [...jobs].map(([job, lost]): Problem => {
      const size = sizes.get(job)?.length ?? lost.length
      const [first] = lost
      const names = lost.slice(0, 5).map(({ labels }) => labels['instance'] ?? '?')
      const all = lost.length === size
      const longest = milliseconds(now() - Math.min(...lost.map(({ since }) => since)))
      return {
        key: job,
        severity: all ? 'critical' : 'warning',
        summary: say`${lost.length} of ${count(size, 'target')} of the job ${job} cannot be scraped for ${longest} (limit ${milliseconds(limits.down)}): ${names}`,
        advice: say`there are no metrics of them, and no alerts: start them, or take them out of the configuration of Prometheus`,
        evidence: { job, down: lost.length, targets: size, lastError: withoutUrl(first?.lastError ?? '') },
      }
    })
    tellSome(found, problem)
  },
})

/** How many targets that are down are remembered. */
const most = 1000

const shape = z.looseObject({
  activeTargets: z.array(
    z.looseObject({
      labels: z.record(z.string(), z.string()),
      scrapePool: z.string().default(''),
      health: z.string(),
      lastError: z.string().default(''),
    }),
  ),
})

/** The error without the URL it begins with, whose query may hold a token. */
function withoutUrl(error: string): string {
  return error.replace(/\w+ "[^"]*": /g, '').slice(0, 200)
}
