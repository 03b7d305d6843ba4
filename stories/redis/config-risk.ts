import { bytes, say } from 'healthz'
import { onEachNode } from './each-node.ts'
import { hasSavePoints } from './save-points.ts'
import { step } from './target.ts'

/** The settings fit what the server is used for. */
export const configRisk = step({
  title: say`its settings do not put data at risk`,
  confirm: 1,
  check: onEachNode(async ({ node, options, note, problem }) => {
    const info = await node.info('memory', 'persistence')
    const max = info.number('maxmemory')
    const policy = info.text('maxmemory_policy')
    note(say`maxmemory ${bytes(max)}, maxmemory-policy ${policy}`)
    if (options.use !== 'cache' && max > 0 && policy.startsWith('allkeys-')) {
      problem({
        key: 'eviction',
        severity: 'warning',
        summary: say`any key may be evicted once ${bytes(max)} are used: maxmemory-policy is ${policy}`,
        advice:
          options.use === 'broker'
            ? say`set maxmemory-policy noeviction, or queues and schedules are lost without a trace`
            : say`set maxmemory-policy noeviction; where keys may be lost, set "use: cache"`,
        evidence: { policy, maxmemory: max },
      })
    }
    if (options.durable && info.text('aof_enabled') !== '1' && !(await hasSavePoints(node))) {
      problem({
        key: 'durability',
        severity: 'warning',
        summary: say`nothing is kept on disk, although this entry says that it must survive a crash`,
        advice: say`set appendonly yes, or save points; without them a restart begins empty`,
      })
    }
  }),
})
