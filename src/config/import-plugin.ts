import { stat } from 'node:fs/promises'
import { relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { PluginFault } from '../core/plugins.ts'
import { milliseconds, say } from '../core/text.ts'
import { importFault } from './import-fault.ts'
import { safeParse } from './issue.ts'
import type { PluginShape } from './plugin-shape.ts'
import { kindOf } from './words.ts'

export interface ImportOptions {
  /** How long importing a file may take, in milliseconds. Default 5 s. */
  readonly deadline?: number
  /** Whether a file that changed is imported anew. */
  readonly isReread?: boolean
}

const standardDeadline = 5000

/** Imports one file and checks what it exports. Throws `PluginFault`. */
export async function importPlugin<Plugin>(
  file: string,
  shape: PluginShape<Plugin>,
  { deadline = standardDeadline, isReread = false }: ImportOptions,
): Promise<Plugin> {
  const url = pathToFileURL(file)
  // Node keeps what it imported, and what it failed to: a changed file is another one.
  if (isReread) url.searchParams.set('changed', String((await stat(file)).mtimeMs))
  const label = labelOf(file)
  const module = await importWithin(url, file, label, deadline)
  if (!('default' in module)) {
    throw new PluginFault(label, say`has no default export`, say`declare it: ${shape.declare}`)
  }
  checkShape(module.default, shape, label)
  // Its shape was checked; what its functions take and give cannot be.
  return module.default as Plugin
}

async function importWithin(url: URL, file: string, label: string, deadline: number): Promise<object> {
  const late = new AbortController()
  try {
    const importing = import(url.href) as Promise<object>
    const waiting = sleep(deadline, null, { signal: late.signal })
    const module = await Promise.race([importing, waiting])
    if (module !== null) return module
  } catch (error) {
    throw importFault(error, file, label)
  } finally {
    late.abort()
  }
  throw new PluginFault(
    label,
    say`not imported within ${milliseconds(deadline)}`,
    say`it waits for something at its top level; whatever needs a server belongs into open()`,
  )
}

function checkShape(value: unknown, { schema, noun, declare }: PluginShape<unknown>, label: string): void {
  const checked = safeParse(schema, value)
  if ('value' in checked) return
  const paths = [...new Set(checked.issues.map(({ path }) => path.map(String).join('.')))]
  const reason = paths.includes('')
    ? say`exports no ${noun} but ${kindOf(value)}`
    : say`exports no ${noun}: missing or wrong is ${paths.slice(0, 5)}`
  throw new PluginFault(label, reason, say`declare it: ${declare}`)
}

/** As people know the file: from where they are. */
export function labelOf(file: string): string {
  const path = relative('', file)
  return path.startsWith('..') ? file : path
}
