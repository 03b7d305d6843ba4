import { defineStory, say, z } from 'healthz'

/** A system that is as well as the world of the test says: each signal that stands there is a problem. */
export default defineStory({
  title: say`Signal`,
  options: z.strictObject({ world: z.string() }),
  steps: {
    calm: {
      title: say`no signal is up`,
      async check({ options: { world }, entry, signal, problem }) {
        const response = await fetch(`${world}/signals?entry=${encodeURIComponent(entry)}`, { signal })
        const up = z.array(z.object({ key: z.string(), mends: z.boolean() })).parse(await response.json())
        for (const { key, mends } of up) {
          problem({
            key,
            severity: 'critical',
            summary: say`signal ${key} is up`,
            advice: say`take it down`,
            ...(mends && {
              resolve: {
                title: say`take it down`,
                consent: 'auto',
                settle: 0,
                within: 2000,
                run: (cure) => mend(world, { entry, key }, cure.signal),
              },
            }),
          })
        }
      },
    },
  },
})

async function mend(world: string, what: object, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({ ...what, pid: process.pid })
  const response = await fetch(`${world}/mend`, { method: 'POST', body, signal })
  if (!response.ok) throw new Error(`the world answered ${response.status}`)
}
