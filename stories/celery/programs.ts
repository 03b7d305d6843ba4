import {
  type Cure,
  DidNotHelp,
  isNamed,
  placeOf,
  restartSupervised,
  type Supervised,
  say,
  startSupervised,
} from 'healthz'
import type { Options } from './options.ts'

export const startTitle = say`start the program of the worker with supervisord, if it fell`
export const restartTitle = say`restart the programs of the workers with supervisord, one after the other`

/** Offers to start the programs of these workers, or of all; nothing where none is configured. */
export function startWorkers(options: Options, worker: string | null): { readonly resolve?: Cure } {
  const programs = programsOf(options, worker)
  if (programs.length === 0) return {}
  return {
    resolve: {
      title: say`start ${namesOf(programs)} with supervisord`,
      consent: 'auto',
      target: programs.map(placeOf).join(' '),
      settle: 3000,
      within: 90_000,
      run: ({ signal }) => startEach(programs, signal),
    },
  }
}

/** Offers to restart the programs of all workers, one after the other. */
export function restartWorkers(
  options: Options,
  isStillNeeded: (signal: AbortSignal) => Promise<boolean>,
): { readonly resolve?: Cure } {
  const programs = programsOf(options, null)
  if (programs.length === 0) return {}
  return {
    resolve: {
      title: say`restart ${namesOf(programs)} with supervisord, one after the other`,
      consent: 'ask',
      target: programs.map(placeOf).join(' '),
      settle: 3000,
      within: 180_000,
      async run({ signal }) {
        if (!(await isStillNeeded(signal))) return
        for (const program of programs) await restartSupervised(program, signal)
      },
    },
  }
}

/** One that was started is enough to look again: what the others need, the next telling says. */
async function startEach(programs: readonly Supervised[], signal: AbortSignal): Promise<void> {
  const refusals: DidNotHelp[] = []
  for (const program of programs) {
    try {
      await startSupervised(program, signal)
    } catch (error) {
      if (!(error instanceof DidNotHelp)) throw error
      refusals.push(error)
    }
  }
  if (refusals.length === programs.length) throw refusals[0]
}

function programsOf({ programs }: Options, worker: string | null) {
  return programs.filter(({ workers }) => worker === null || isNamed(worker, workers))
}

const namesOf = (programs: readonly Supervised[]) => programs.map(({ program }) => program)
