import { CannotTell, count, say, z } from 'healthz'
import type { Management } from './management.ts'
import { admitHidden } from './queues.ts'
import { step } from './target.ts'

/** The replicated queues have all their members. */
export const quorum = step({
  title: say`every replicated queue has all its members`,
  async check({ target, signal, note, problem, cannotTell }) {
    const list = await target.queues(signal)
    const replicated = list.queues.filter(({ type, members }) => type === 'quorum' && members.length > 0)
    const told = new Set<string>()
    for (const { id, title, vhost, name, members, online } of replicated) {
      if (online.length >= members.length) continue
      told.add(id)
      const away = members.filter((member) => !online.includes(member))
      // The broker's own check and the queue's state are the same for "may lose" and "has lost" its majority.
      const isLost = online.length <= members.length / 2
      problem({
        key: id,
        severity: isLost ? 'critical' : 'warning',
        summary: isLost
          ? say`${title} cannot be used: it has only ${online.length} of its ${members.length} members`
          : say`${title} has ${online.length} of its ${members.length} members`,
        advice: say`start ${away}, or add a member on another node: rabbitmq-queues add_member`,
        evidence: {
          vhost,
          queue: name,
          members: members.length,
          online: online.length,
          away: away.join(', '),
        },
      })
    }
    const leaderless = replicated.length > 0 ? await withoutLeader(target.api, signal) : []
    // The check looks at all queues; those that this entry does not look at are left to others.
    for (const { id, title, vhost, name } of replicated) {
      const isLed = !leaderless.some((queue) => queue.name === name && queue.virtual_host === vhost)
      if (isLed || told.has(id)) continue
      problem({
        key: id,
        severity: 'critical',
        confirm: 2,
        summary: say`${title} cannot be used: its members are there, but none of them leads`,
        advice: say`see in the logs of its nodes why they elect no leader; rabbitmq-queues quorum_status shows what each makes of it`,
        evidence: { vhost, queue: name },
      })
    }
    if (replicated.length > 0) {
      note(say`${count(replicated.length, 'replicated queue')}`)
      const critical = await criticalQueues(target.api, signal)
      if (critical > 0) {
        note(
          say`stopping the node behind ${target.api.address} now would cost ${count(critical, 'queue')} the majority`,
        )
      }
    }
    admitHidden(list, target.api, cannotTell)
  },
})

const leaderlessPath = '/api/health/checks/quorum-queues-without-elected-leaders/all-vhosts/pattern/.*'

const leaderlessShape = z.looseObject({
  queues: z.array(z.looseObject({ name: z.string(), virtual_host: z.string() })),
})

type Leaderless = z.output<typeof leaderlessShape>['queues']

/** As RabbitMQ 4.1 and later tell; none in a version without this check, where the members alone are judged. */
async function withoutLeader(api: Management, signal: AbortSignal): Promise<Leaderless> {
  try {
    return (await api.check(leaderlessPath, leaderlessShape, signal))?.queues ?? []
  } catch (error) {
    if (error instanceof CannotTell) return []
    throw error
  }
}

const criticalShape = z.looseObject({ queues: z.array(z.unknown()).optional() })

async function criticalQueues(api: Management, signal: AbortSignal): Promise<number> {
  try {
    const failed = await api.check('/api/health/checks/node-is-quorum-critical', criticalShape, signal)
    return failed?.queues?.length ?? 0
  } catch (error) {
    if (error instanceof CannotTell) return 0 // a version without this check; it only adds to the note
    throw error
  }
}
