import {
  ConnectionFailure,
  type Metric,
  parseMetrics,
  request,
  type ServerUrl,
  say,
  type Text,
  z,
} from 'healthz'
import type { Management } from './management.ts'
import type { Options } from './options.ts'
import type { Queue } from './queues.ts'

export interface Counted {
  readonly queues: readonly Queue[]
  /** Why figures are missing that will not come by themselves; null: nothing is known to keep them back. */
  readonly uncounted: Text | null
}

/**
 * The queues with the figures that the management API lacks, from the pages of the plug-in rabbitmq_prometheus: a
 * broker with `management.disable_stats` counts nowhere else. How fast a queue changes stands on no page.
 */
export async function counted(
  queues: readonly Queue[],
  api: Management,
  options: Options,
  signal: AbortSignal,
): Promise<Counted> {
  const isBlank = ({ messages, consumers }: Queue) => messages === null || consumers === null
  if (!queues.some(isBlank)) return { queues, uncounted: null }
  if (options.metrics.length === 0) return { queues, uncounted: await withoutPages(api, signal) }
  const pages = await Promise.all(options.metrics.map((server) => readPage(server, options, signal)))
  const figures = figuresOf(pages.flatMap((page) => page ?? []))
  const unread = options.metrics.filter((_, index) => pages[index] === null).map(({ url }) => url.host)
  return {
    queues: queues.map((queue) => (isBlank(queue) ? filledIn(queue, figures.get(keyOf(queue))) : queue)),
    uncounted:
      unread.length === 0
        ? null
        : say`no figures of queues could be read from ${unread} (rabbitmq_prometheus, /metrics/detailed)`,
  }
}

async function withoutPages(api: Management, signal: AbortSignal): Promise<Text | null> {
  const { disable_stats } = await api.get('/api/overview?columns=disable_stats', overviewShape, signal)
  if (disable_stats !== true) return null
  return say`the broker keeps no statistics (management.disable_stats); enable rabbitmq_prometheus on each node, and name its pages in "metrics"`
}

const overviewShape = z.looseObject({ disable_stats: z.boolean().optional() })

/** The samples of a node, which counts the queues that it leads; null where that cannot be read. */
async function readPage(
  { url, user, password }: ServerUrl,
  { vhosts = [], ca, insecure }: Options,
  signal: AbortSignal,
): Promise<readonly Metric[] | null> {
  const asked = ['family=queue_coarse_metrics', 'family=queue_consumer_count']
  const query = [...asked, ...vhosts.map((vhost) => `vhost=${encodeURIComponent(vhost)}`)].join('&')
  const page = new URL(`${url.pathname.replace(/\/$/, '')}/metrics/detailed?${query}`, url)
  try {
    const access = { user, password, ca, insecure }
    const response = await request(page, { ...access, timeout: 6000, maxBody: 33_554_432, signal })
    return response.status === 200 && !response.isTruncated ? parseMetrics(response.body) : null
  } catch (error) {
    if (error instanceof ConnectionFailure) return null // the nodes themselves are watched by other steps
    throw error
  }
}

type Figures = Pick<Queue, 'messages' | 'unacknowledged' | 'consumers'>

const fields: ReadonlyMap<string, keyof Figures> = new Map([
  ['rabbitmq_detailed_queue_messages', 'messages'],
  ['rabbitmq_detailed_queue_messages_unacked', 'unacknowledged'],
  ['rabbitmq_detailed_queue_consumers', 'consumers'],
])

/** While the lead of a queue moves, two nodes may tell of it: the higher figures count. */
function figuresOf(samples: readonly Metric[]): ReadonlyMap<string, Figures> {
  const figures = new Map<string, Figures>()
  for (const { name, labels, value } of samples) {
    const field = fields.get(name)
    const { vhost, queue } = labels
    if (field === undefined || vhost === undefined || queue === undefined || !Number.isFinite(value)) continue
    const key = keyOf({ vhost, name: queue })
    const known = figures.get(key) ?? nothing
    figures.set(key, { ...known, [field]: Math.max(value, known[field] ?? value) })
  }
  return figures
}

const nothing: Figures = { messages: null, unacknowledged: null, consumers: null }

function filledIn(queue: Queue, { messages, unacknowledged, consumers }: Figures = nothing): Queue {
  return {
    ...queue,
    messages: queue.messages ?? messages,
    unacknowledged: queue.unacknowledged ?? unacknowledged,
    consumers: queue.consumers ?? consumers,
  }
}

const keyOf = ({ vhost, name }: Pick<Queue, 'vhost' | 'name'>) => JSON.stringify([vhost, name])
