import { setTimeout as delay } from 'node:timers/promises'
import { type Cure, DidNotHelp, launch, say } from 'healthz'

/** Runs a configured start command, unless what it starts is there by now. */
export function startCommand(argv: readonly string[], isRunning: () => Promise<boolean>): Cure {
  return {
    title: say`run the configured start command, ${argv[0] ?? ''}`,
    consent: 'ask',
    settle: 2000,
    async run({ signal }) {
      if (await isRunning()) return
      await launch(argv, signal)
      for (let looks = 0; looks < 20; looks += 1) {
        await delay(500, undefined, { signal })
        if (await isRunning()) return
      }
      throw new DidNotHelp(say`the start command ran, but nothing was to be seen of the process within 10 s`)
    },
  }
}
