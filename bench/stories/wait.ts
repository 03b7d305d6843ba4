import { setTimeout as delay } from 'node:timers/promises'
import { defineStory, z } from 'healthz'

/** Five steps that each wait: what is left of a round when the systems asked cost nothing. */
const wait = {
  title: 'waits',
  check: ({ options, signal }: { options: { ms: number }; signal: AbortSignal }) =>
    delay(options.ms, undefined, { signal }),
}

export default defineStory({
  title: 'Waiting',
  options: z.strictObject({ ms: z.number(), name: z.string().optional() }),
  steps: { one: wait, two: wait, three: wait, four: wait, five: wait },
})
