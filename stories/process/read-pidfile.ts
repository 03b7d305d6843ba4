import { readFile, stat } from 'node:fs/promises'
import { CannotTell, say } from 'healthz'

export interface Pidfile {
  /** Null where the file holds no number. */
  readonly pid: number | null
  /** Wall milliseconds. */
  readonly writtenAt: number
}

/** Null where there is no such file. @throws CannotTell where this user may not read it */
export async function readPidfile(path: string): Promise<Pidfile | null> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const pid = /^\s*(\d{1,10})\s*$/m.exec(text)?.[1]
    return { pid: pid === undefined ? null : Number(pid), writtenAt: mtimeMs }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT') return null
    if (code === 'EACCES') throw new CannotTell(say`the watchman's user may not read ${path}`)
    throw error
  }
}
