import { describe, expect, it } from 'vitest'
import type { NodeState } from '../../../../src/cluster/node/node.ts'
import type { NodeEvent } from '../../../../src/cluster/node/types.ts'
import type { Request } from '../../../../src/cluster/protocol.ts'
import { simulate } from '../../../support/cluster/simulation.ts'
import type { Sabotage } from '../../../support/cluster/world.ts'

/** How many histories are tried; more of them with `HEALTHZ_MODEL_RUNS`, others with `HEALTHZ_MODEL_SEED`. */
const runs = Number(process.env['HEALTHZ_MODEL_RUNS'] ?? 300)
const firstSeed = Number(process.env['HEALTHZ_MODEL_SEED'] ?? 1)

describe('nodes in a bad world', () => {
  it('never hold one seat at once, and hold all of them again soon after the last fault', {
    timeout: 30_000 + runs * 200,
  }, () => {
    let faults = 0
    for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
      const { violations, history, faults: more } = simulate(seed)
      faults += more
      if (violations.length === 0) continue
      throw new Error(`seed ${seed}: ${violations.join('; ')}\n${history.slice(-60).join('\n')}`)
    }
    expect(faults).toBeGreaterThan(runs)
  })

  it.each<[string, Sabotage]>([
    ['nobody waits after data were lost', { hasNoQuarantine: true }],
    ['nodes trust their session for too long', { timing: { valid: 1900 } }],
    ['the wall clock is not looked at', { twist: withoutWall }],
    ['a late heartbeat gives up whatever is held', { alter: givingAllUp }],
  ])('would be seen to fail if %s', { timeout: 60_000 }, (_, sabotage) => {
    const seeds = Array.from({ length: 1000 }, (_, index) => index + 1)
    const seed = seeds.find((one) => simulate(one, sabotage).violations.length > 0)
    expect(seed).toBeDefined()
  })
})

const everything = Number.MAX_SAFE_INTEGER

function givingAllUp(request: Request): Request {
  // As of when it was sent, its sender had given up all that it ever led.
  return request.type === 'tick' && request.spent > 0 ? { ...request, spent: everything } : request
}

function withoutWall(state: NodeState, event: NodeEvent, now: { elapsed: number; wall: number }) {
  const { lastBeat } = state
  if (lastBeat === null) return [state, event] satisfies [NodeState, NodeEvent]
  const wall = now.wall - (now.elapsed - lastBeat.elapsed)
  return [{ ...state, lastBeat: { ...lastBeat, wall } }, event] satisfies [NodeState, NodeEvent]
}
