import { count, milliseconds, type Problem, say, z } from 'healthz'
import { isSameLife } from './heap.ts'
import type { Node } from './node-stats.ts'
import { step } from './target.ts'
import { tellAll } from './tell-all.ts'

/** The nodes take what they are asked to do. */
export const rejections = step({
  title: say`hardly any request is rejected`,
  limits: z.strictObject({ rejectPerMin: z.number().min(0).default(10) }),
  // They are lost already, unless the client tries again.
  confirm: 1,
  async check({ target, limits, signal, compare, note, problem, cannotTell }) {
    const { before, after, apart } = await compare(async () =>
      (await target.stats(signal)).nodes.map(sampleOf),
    )
    const allowed = limits.rejectPerMin * Math.max(1, apart / 60_000)
    const found: Problem[] = []
    let total = 0
    for (const node of after) {
      const old = before.find(({ id }) => id === node.id)
      if (old === undefined || !isSameLife(old, node)) continue
      for (const pool of ['write', 'search']) {
        const fresh = risen(old.rejected[pool], node.rejected[pool])
        total += fresh
        if (fresh <= allowed) continue
        found.push({
          key: `${pool} ${node.name}`,
          severity: 'warning',
          summary: say`node ${node.name} has rejected ${count(fresh, 'request')} to ${pool} within ${milliseconds(apart)} (limit ${limits.rejectPerMin} a minute)`,
          advice:
            pool === 'write'
              ? say`have the clients send fewer and larger bulks, and try again on status 429; otherwise add nodes. What was rejected and not sent again is lost`
              : say`look for slow or too many searches (GET /_tasks?actions=*search*&detailed), or add nodes`,
          evidence: { node: node.name, pool, rejected: fresh, withinMs: apart },
        })
      }
      const tripped = Object.keys(node.tripped).filter(
        (name) => risen(old.tripped[name], node.tripped[name]) > 0,
      )
      const times = tripped.reduce((sum, name) => sum + risen(old.tripped[name], node.tripped[name]), 0)
      total += times
      if (times <= allowed) continue
      found.push({
        key: `breaker ${node.name}`,
        severity: 'warning',
        summary: say`node ${node.name} has refused ${count(times, 'request')} within ${milliseconds(apart)} to spare its memory (limit ${limits.rejectPerMin} a minute; circuit breakers: ${tripped})`,
        advice: say`look for large aggregations, searches and bulks, and give the node more heap`,
        evidence: { node: node.name, breakers: tripped.join(', '), tripped: times, withinMs: apart },
      })
    }
    tellAll(found, { problem, note })
    note(say`${count(total, 'request')} rejected within ${milliseconds(apart)}`)
    const blank = after.filter(
      ({ rejected }) => rejected['write'] === undefined || rejected['search'] === undefined,
    )
    if (blank.length > 0)
      cannotTell(say`these nodes do not tell what they reject: ${blank.map(({ name }) => name)}`)
  },
})

const sampleOf = ({ id, name, uptime, rejected, tripped }: Node) => ({ id, name, uptime, rejected, tripped })

const risen = (before = 0, after = 0) => Math.max(0, after - before)
