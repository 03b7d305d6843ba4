import { z } from 'zod'
import type { Entry, Plan } from '../core/plan.ts'
import type { Store } from '../core/store.ts'
import { defineStory, type Story } from '../core/story.ts'
import { count, milliseconds, say } from '../core/text.ts'

/** How long an alarm may wait for its channel before that is a problem of its own, in milliseconds. */
const longestWait = 120_000
/** How long a refused alarm is told of, in milliseconds. */
const failedFor = 3_600_000

/** The watchman's story about itself: that it keeps what it knows, and that people hear of it. */
export function selfEntry(store: Store, plan: Pick<Plan, 'alarms'>, every: number): Entry {
  const story = defineStory({
    title: say`The watchman itself`,
    scope: 'node',
    options: z.strictObject({}),
    steps: {
      store: {
        title: say`the store keeps what it is given`,
        confirm: 1,
        check({ problem }) {
          const trouble = store.trouble()
          if (trouble === null) return
          problem({
            severity: 'warning',
            summary: trouble.text,
            advice: say`free space or mend the disk of the store's file; a damaged file that was set aside may be deleted`,
          })
        },
      },
      delivery: {
        title: say`every channel takes its alarms`,
        confirm: 1,
        async check({ now, note, problem }) {
          const backlog = await store.backlog(now() - failedFor)
          for (const { channel, pending, failed, oldest } of backlog) {
            const waits = pending > 0 && oldest !== null ? now() - oldest : 0
            if (waits > longestWait + plan.alarms.groupWait) {
              problem({
                key: channel,
                severity: 'critical',
                summary: say`the channel ${channel} has not taken ${count(pending, 'alarm')}; the oldest has waited ${milliseconds(waits)}`,
                advice: say`look at the channel's server and its settings; the alarms are kept and sent as soon as it takes them`,
                evidence: { channel, pending, oldestWaitSeconds: Math.round(waits / 1000) },
              })
              continue
            }
            if (failed === 0) {
              if (pending > 0) note(say`${channel}: ${count(pending, 'alarm')} on the way`)
              continue
            }
            problem({
              key: channel,
              severity: 'warning',
              summary: say`the channel ${channel} has refused ${count(failed, 'alarm')} for good in the last hour`,
              advice: say`correct the channel's settings; name a fallback channel so that such alarms reach someone`,
              evidence: { channel, failed },
            })
          }
        },
      },
    },
  })
  return {
    name: 'healthz',
    kind: 'healthz',
    // The engine gives the story its own options back.
    story: story as Story,
    options: {},
    tags: [],
    pace: { every, jitter: 0 },
    policy: {
      confirm: 1,
      clear: 1,
      remindEvery: 14_400_000,
      blindAfter: 3,
      flapping: { raises: 3, window: 3_600_000, calm: 600_000 },
      steps: {},
    },
    confirmAfter: 1000,
    steps: { store: { on: true, limits: undefined }, delivery: { on: true, limits: undefined } },
    resolve: { mode: 'off', allow: [], coolDown: 0, maxAttempts: 0 },
    start: null,
    deadlines: { open: 1000, step: 5000, story: 10_000 },
    scope: 'cluster',
    spread: 'leader',
    dependsOn: [],
    role: null,
  }
}
