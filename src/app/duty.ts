import type { SeatTerm } from '../cluster/membership.ts'
import type { Resolving } from '../engine/round.ts'
import { systemClock as clock } from '../engine/system-clock.ts'
import type { JournaledStore } from '../store/journaled.ts'
import { aborted } from './aborted.ts'
import type { Shift } from './shift.ts'

/**
 * The work of all seats of this node, from one plan to the next.
 * @param changed hears that the journal holds what the shared store has yet to be given, or that it has it now
 */
export function createDuty(
  store: JournaledStore,
  resolving: Resolving,
  beat: number,
  changed: (isBehind: boolean) => void,
) {
  let shift: Shift | null = null
  let begun = Promise.withResolvers<void>()
  /** What the journal knows has to be written before anybody tells anything by the old state of things. */
  let isBehind = false
  let caughtUp = Promise.withResolvers<void>()
  caughtUp.resolve()

  /** While somebody else still writes to the journal, it is not read. */
  let free = Promise.withResolvers<void>()
  free.resolve()

  async function catchUp(term: SeatTerm): Promise<void> {
    if (isBehind) await Promise.race([free.promise, aborted(term.until)])
    while (isBehind && !term.until.aborted) {
      try {
        await store.replay(term)
        // The other nodes do the same at this moment: what they know has to be there before anything is told.
        await clock.sleep(beat * 2, term.until)
        isBehind = false
        changed(false)
        caughtUp.resolve()
      } catch {
        await clock.sleep(beat, term.until).catch(() => {})
      }
    }
  }

  /** Resolves when all work of the spell has ended. */
  async function tell(term: SeatTerm): Promise<void> {
    await Promise.race([begun.promise, aborted(term.until)])
    if (term.seat === 'node') await catchUp(term)
    else await Promise.race([caughtUp.promise, aborted(term.until)])
    while (shift !== null && !term.until.aborted) {
      const now = shift
      const until = AbortSignal.any([term.until, now.until])
      await Promise.all([
        now.engine.watch(now.entriesOn(term.seat), term, resolving, until),
        term.seat === 'leader' ? now.engine.lead(term, until) : null,
        aborted(until),
      ])
      if (shift === now && now.until.aborted) await Promise.race([begun.promise, aborted(term.until)])
    }
  }

  return {
    mustReplay(): void {
      if (isBehind) return
      isBehind = true
      caughtUp = Promise.withResolvers()
      changed(true)
    },

    /** The journal is in use until `release`. */
    hold(): void {
      free = Promise.withResolvers()
    },

    release: () => free.resolve(),

    work: tell,

    /** Another node has raised something: the one that sends looks into the outbox. */
    wake: () => shift?.engine.courier.wake(),

    /** Gives the seats this shift, and resolves once its plan has ended and so has the work on it. */
    async serve(next: Shift): Promise<void> {
      shift = next
      begun.resolve()
      await aborted(next.until)
      begun = Promise.withResolvers()
    },
  }
}
