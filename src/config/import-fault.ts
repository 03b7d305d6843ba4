import { fileURLToPath } from 'node:url'
import { oneLine } from '../core/plain.ts'
import { PluginFault } from '../core/plugins.ts'
import { createRedactor } from '../core/secret.ts'
import { say, type Text } from '../core/text.ts'

/** Why a file could not be imported, and what to do about it. `label` is the file as people know it. */
export function importFault(error: unknown, file: string, label: string): PluginFault {
  const { reason, hint } = explain(error)
  return new PluginFault(label, reason, hint, { line: lineIn(error, file), cause: error })
}

function explain(error: unknown): { readonly reason: Text; readonly hint: Text } {
  const { code, message = '' } = (error ?? {}) as { readonly code?: unknown; readonly message?: string }
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return {
      reason: say`uses TypeScript that cannot simply be left out: an enum, a namespace or a parameter property`,
      hint: say`write it as plain JavaScript with types; tsc finds such places with erasableSyntaxOnly`,
    }
  }
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') {
    return {
      reason: say`is TypeScript inside node_modules, which is not run`,
      hint: say`move it out of node_modules, or compile it to JavaScript`,
    }
  }
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
    const [, wanted = ''] = /'([^']+)'/.exec(message) ?? []
    return {
      reason: say`imports something that is not there: ${wanted}`,
      hint: say`a file needs its whole name with .ts; a package must be installed beside it; z comes from 'healthz'`,
    }
  }
  if (error instanceof SyntaxError && message.includes('does not provide an export named')) {
    const [, wanted = ''] = /named '([^']+)'/.exec(message) ?? []
    return {
      reason: say`imports "${wanted}", which is not there when it runs`,
      hint: say`import types as types: import { type ${wanted} }`,
    }
  }
  if (error instanceof SyntaxError) {
    return { reason: say`has a syntax error: ${wordsOf(error)}`, hint: say`correct the file` }
  }
  return {
    reason: say`throws while it is imported: ${wordsOf(error)}`,
    hint: say`correct the file; whatever needs a server belongs into open()`,
  }
}

function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message || error.name : String(error)
  return oneLine(createRedactor()(words.split('\n', 1)[0] ?? ''), 200)
}

/** The line of the file in the error's stack: at its head for a syntax error, in a frame for one that was thrown. */
function lineIn(error: unknown, file: string): number | null {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  for (const [, url = '', line] of stack.matchAll(/(file:\/\/[^\s:)?]+|\/[^\s:)?]+)(?:\?[^\s:)]*)?:(\d+)/g)) {
    const path = url.startsWith('file:') ? pathOf(url) : url
    if (path === file) return Number(line)
  }
  return null
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch {
    return url
  }
}
