import { stripVTControlCharacters } from 'node:util'
import { ConnectionFailure, XmlRpcFault, type XmlRpcValue } from 'healthz'
import type { Supervisor } from './target.ts'

/** The last line that a program wrote to its error log, or to its only log; null where it wrote none. */
export async function lastWords(
  supervisor: Supervisor,
  name: string,
  signal: AbortSignal,
): Promise<string | null> {
  for (const method of ['tailProcessStderrLog', 'tailProcessStdoutLog']) {
    const tail = await supervisor.call(method, [name, 0, 2000], signal).catch(noLog)
    const line = lastLine(Array.isArray(tail) ? tail[0] : null)
    if (line !== null) return line
  }
  return null
}

/** No log of this kind, or one that supervisord cannot send, such as one cut within a character (HTTP status 500). */
function noLog(error: unknown): null {
  if (error instanceof XmlRpcFault || error instanceof ConnectionFailure) return null
  throw error
}

/** The last line with something in it, short and without colours. */
export function lastLine(tail: XmlRpcValue | undefined): string | null {
  if (typeof tail !== 'string') return null
  const lines = stripVTControlCharacters(tail).split('\n')
  return (
    lines
      .findLast((line) => line.trim() !== '')
      ?.trim()
      .slice(0, 200) ?? null
  )
}
