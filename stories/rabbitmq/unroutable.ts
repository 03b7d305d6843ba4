import { CannotTell, count, milliseconds, say, z } from 'healthz'
import type { Management } from './management.ts'
import type { Options } from './options.ts'
import { step } from './target.ts'

/** Whatever is sent finds a queue. */
export const unroutable = step({
  title: say`every message finds a queue`,
  limits: z.strictObject({ perMinute: z.number().min(0).default(3) }),
  // They are lost already.
  confirm: 1,
  async check({ target, options, limits, signal, compare, note, problem }) {
    const take = () => readLost(target.api, options, signal)
    const { before, after, apart } = await compare(take)
    // A node that restarted took its share of the counters with it.
    const dropped = Math.max(0, after.dropped - before.dropped)
    const returned = Math.max(0, after.returned - before.returned)
    const lost = dropped + returned
    note(say`${count(lost, 'message')} without a queue within ${milliseconds(apart)}`)
    if (lost <= limits.perMinute * Math.max(1, apart / 60_000)) return
    problem({
      severity: 'warning',
      summary: say`${count(lost, 'message')} found no queue within ${milliseconds(apart)} (${dropped} lost, ${returned} returned to the sender; limit ${limits.perMinute} a minute)`,
      advice: say`a queue or a binding is missing: compare the exchanges and routing keys of the senders with the bindings`,
      evidence: { dropped, returned, withinMs: apart },
    })
  },
})

interface Lost {
  readonly dropped: number
  readonly returned: number
}

async function readLost(api: Management, { vhosts }: Options, signal: AbortSignal): Promise<Lost> {
  const { message_stats } = await api.get('/api/overview?columns=message_stats', overviewShape, signal)
  if (message_stats === undefined)
    throw new CannotTell(say`the broker keeps no statistics (management.disable_stats)`)
  if (vhosts === undefined) return lostOf(message_stats)
  const all = await api.get('/api/vhosts?columns=name,message_stats', z.array(vhostShape), signal)
  const lost = vhosts.map((wanted) => {
    const vhost = all.find(({ name }) => name === wanted)
    if (vhost === undefined) throw new CannotTell(say`the user ${api.user} sees no virtual host ${wanted}`)
    return lostOf(vhost.message_stats ?? {})
  })
  return {
    dropped: lost.reduce((sum, { dropped }) => sum + dropped, 0),
    returned: lost.reduce((sum, { returned }) => sum + returned, 0),
  }
}

/** Nothing is there before the first message. */
function lostOf(stats: z.output<typeof statsShape>): Lost {
  if (Array.isArray(stats)) return { dropped: 0, returned: 0 }
  return { dropped: stats.drop_unroutable ?? 0, returned: stats.return_unroutable ?? 0 }
}

const statsShape = z.union([
  z.array(z.never()),
  z.looseObject({ drop_unroutable: z.number().optional(), return_unroutable: z.number().optional() }),
])

const overviewShape = z.looseObject({ message_stats: statsShape.optional() })

const vhostShape = z.looseObject({ name: z.string(), message_stats: statsShape.optional() })
