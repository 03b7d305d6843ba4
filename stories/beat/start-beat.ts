import { type Cure, placeOf, say, startSupervised } from 'healthz'
import type { Options } from './options.ts'

export const startTitle = say`start beat with supervisord, if it fell`

/** Offers to start beat; with RedBeat also beside a lock that was left behind: the new one waits for it. */
export function startBeat(
  { beat }: Options,
  isStillNeeded: () => Promise<boolean>,
): { readonly resolve?: Cure } {
  if (beat === undefined) return {}
  return {
    resolve: {
      title: say`start ${beat.program} with supervisord`,
      consent: 'auto',
      target: placeOf(beat),
      settle: 3000,
      within: 120_000,
      async run({ signal }) {
        if (await isStillNeeded()) await startSupervised(beat, signal)
      },
    },
  }
}
