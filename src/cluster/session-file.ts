import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { z } from 'zod'

/** What of a node's membership survives its process. */
export interface KeptSession {
  /** The key of its last incarnation. */
  readonly key: string
  /** The highest epoch that it has ever seen. */
  readonly floor: number
  /** The generation of the data that it knew; empty: none. */
  readonly generation: string
  /** Whether its journal holds what the shared store has yet to be given. */
  readonly isBehind?: boolean | undefined
}

const shape = z.object({
  key: z.string().min(1),
  floor: z.number().int().nonnegative(),
  generation: z.string(),
  isBehind: z.boolean().optional(),
})

/** What the last process that kept this file wrote; null where there is nothing that can be read. */
export function readSession(file: string): KeptSession | null {
  try {
    return shape.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return null
  }
}

/** Writes it so that a crash leaves the old or the new, whole. A disk that takes no writes costs only the speed of the next start. */
export function writeSession(file: string, kept: KeptSession): void {
  const fresh = `${file}.new`
  try {
    const handle = openSync(fresh, 'w', 0o600)
    try {
      writeSync(handle, JSON.stringify(kept))
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(fresh, file)
  } catch {
    // Redis keeps the epochs too; a session that is not remembered ends by itself.
  }
}
