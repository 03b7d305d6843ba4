import type { Redact } from '../core/secret.ts'

/** An error's first line, short and free of secrets. */
export function wordsOf(error: unknown, redact: Redact): string {
  const message = error instanceof Error ? error.message || error.name : String(error)
  return redact(message.split('\n', 1)[0] ?? '').slice(0, 200)
}
