import { CannotJoin } from '../app/cannot-join.ts'
import type { Plan } from '../core/plan.ts'
import { render, say } from '../core/text.ts'
import { CannotListen } from '../http/cannot-listen.ts'
import { NewerStore } from '../store/database.ts'
import { StoreInUse } from '../store/open.ts'
import { CommandFault } from './context.ts'

/** What a person should read when the start failed for a known reason; null: the reason is not known. */
export function startFault(error: unknown, { language, store }: Plan): CommandFault | null {
  const fault = (text: Parameters<typeof render>[0]) => new CommandFault(render(text, language))
  if (error instanceof StoreInUse) {
    const pid = error.pid === null ? '?' : String(error.pid)
    return fault(
      say`healthz: the store ${error.file} is in use by process ${pid}; stop it, or give this one a store of its own (store.file)`,
    )
  }
  if (error instanceof NewerStore)
    return fault(say`healthz: ${error.reason}; use that version, or another store.file`)
  if (error instanceof CannotListen)
    return fault(say`healthz: ${error.reason}; change http.listen, or set http: off`)
  if (error instanceof CannotJoin) {
    const lines = error.faults.map(({ summary, advice }) => {
      return `healthz: ${render(summary, language)}\n    ${render(advice, language)}`
    })
    return new CommandFault(lines.join('\n'))
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR'].includes(code)) {
    const path = error instanceof Error && 'path' in error ? String(error.path) : ''
    return fault(
      say`healthz: the store cannot be opened: ${path} (${code}); choose another store.file, or "store: memory"`,
    )
  }
  if (code === 'ERR_SQLITE_ERROR') {
    const words = error instanceof Error ? error.message : code
    return fault(
      say`healthz: the store cannot be opened: ${store.file ?? ''} (${words}); choose another store.file, or "store: memory"`,
    )
  }
  return null
}
