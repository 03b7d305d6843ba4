import { expect, it } from 'vitest'
import { z } from 'zod'
import { unaccompanied } from '../../../src/app/alone.ts'
import type { Plan } from '../../../src/core/plan.ts'
import { createRedactor } from '../../../src/core/secret.ts'
import { english } from '../../../src/core/text.ts'
import { createEngine } from '../../../src/engine/engine.ts'
import { soleTerm } from '../../../src/engine/term.ts'
import { memoryStore } from '../../../src/store/open.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { noAlarmPolicy } from '../../support/rounds.ts'
import { alarm, commitOf } from '../../support/store/owed.ts'

it('gives what waits for a channel that has left the configuration to those that are there', async () => {
  const clock = fakeClock()
  const store = memoryStore()
  await store.commit(store.fence, commitOf([{ alarm: alarm(), to: ['old'], due: 0 }]))
  const sent: string[] = []
  const channel = {
    title: 'New',
    options: z.unknown(),
    send: async ({ digest }: { digest: { alarms: readonly { kind: string; entry: string }[] } }) => {
      sent.push(...digest.alarms.map(({ kind, entry }) => `${kind} ${entry}`))
      return undefined
    },
  }
  const plan: Plan = {
    platform: 'shop',
    node: 'n1',
    language: english,
    entries: [],
    channels: [{ name: 'new', kind: 'test', channel, options: {} }],
    alarms: { ...noAlarmPolicy, groupWait: 1000 },
    store: { file: null, retention: 86_400_000_000 },
    http: null,
    limits: { concurrency: 1, cures: 1, blastRadius: 1 },
    secrets: [],
    cluster: null,
    consul: null,
    roles: [],
    hash: '',
  }
  const ending = new AbortController()
  const engine = createEngine(plan, {
    clock,
    store,
    redact: createRedactor(),
    launch: async () => {},
    observe: () => {},
    ...unaccompanied(plan),
  })
  const running = engine.lead(soleTerm(store.fence, ending.signal))
  await clock.advance(20_000)
  ending.abort('SIGTERM')
  await clock.until(running)
  // The entry of the alarm has left the configuration too: whoever is told that it was raised is told that it is over.
  expect(sent).toEqual(['raised cache', 'withdrawn cache'])
})
