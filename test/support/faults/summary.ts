import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { check } from './checker.ts'
import { type History, spellsOf } from './history.ts'

/** What came to pass, in one line. */
export function summaryOf(history: History): string {
  const { lives, timing, faults, signals, deliveries } = history
  const reigns = lives.flatMap((life) => spellsOf(life, timing.valid)).filter(({ seat }) => seat === 'leader')
  const taken = deliveries.filter(({ isTaken }) => isTaken).flatMap(({ alarms }) => alarms)
  const words = new Set(taken.map(({ dedupKey }) => dedupKey))
  const told = new Set(taken.map(({ key }) => key))
  const violations = check(history)
  const stale = violations.filter(({ rule }) => rule === 'I4' || rule === 'I6' || rule === 'I9')
  return [
    `${faults.length} faults`,
    `${reigns.length - 1} leader changes`,
    `${signals.length} alarms owed, ${signals.filter(({ key }) => told.has(key)).length} delivered`,
    `${taken.length - words.size} of ${taken.length} words delivered again`,
    `${history.mendings.length} cures`,
    `${stale.length} stale acts`,
    `${violations.length} violations`,
  ].join(', ')
}

/** Keeps a history in a file, for whoever asks how a rule was broken. Returns the file. */
export async function keepHistory(history: History): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'hz-faults-')), 'history.json')
  await writeFile(file, JSON.stringify(history))
  return file
}
