import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The full path of a program, or null if it is not installed. */
export function findProgram(name: string): string | null {
  for (const dir of SEARCHED) {
    const path = join(dir, name)
    if (isExecutable(path)) return path
  }
  return null
}

/** Where programs are looked for; also the PATH of every server that the tests start. */
export const SEARCHED: readonly string[] = [
  // Before PATH: /usr/sbin/rabbitmq-server is a wrapper that changes the user and loses the environment.
  '/usr/lib/rabbitmq/bin',
  ...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean),
  // Daemons live here, and these are not in the PATH of a plain user.
  '/usr/local/sbin',
  '/usr/sbin',
]

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
