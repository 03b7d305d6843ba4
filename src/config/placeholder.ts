import { say, type Text } from '../core/text.ts'

/** A `${...}` as it is written. */
export type Placeholder = { readonly written: string } & (
  | { readonly kind: 'variable'; readonly name: string; readonly fallback: string | null }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'malformed'; readonly fault: Text }
)

/** The text in pieces: what stands as it is, and the placeholders. `$${` is what stands for `${`. */
export function placeholdersIn(text: string): readonly (string | Placeholder)[] {
  const parts: (string | Placeholder)[] = []
  let rest = text
  while (rest !== '') {
    const start = rest.search(/\$?\$\{/)
    if (start === -1) return [...parts, rest]
    if (start > 0) parts.push(rest.slice(0, start))
    const isEscaped = rest.startsWith('$$', start)
    const written = isEscaped ? '$${' : (/^\$\{[^}]*\}/.exec(rest.slice(start))?.[0] ?? rest.slice(start))
    parts.push(isEscaped ? '${' : placeholder(written))
    rest = rest.slice(start + written.length)
  }
  return parts
}

function placeholder(written: string): Placeholder {
  if (!written.endsWith('}'))
    return { written, kind: 'malformed', fault: say`a placeholder is not closed by }` }
  const inner = written.slice(2, -1)
  if (inner.includes('${')) {
    return { written, kind: 'malformed', fault: say`a placeholder cannot stand in another` }
  }
  if (inner.startsWith('file:') && inner.length > 5) return { written, kind: 'file', path: inner.slice(5) }
  const [, name, fallback] = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inner) ?? []
  if (name !== undefined) return { written, kind: 'variable', name, fallback: fallback ?? null }
  return {
    written,
    kind: 'malformed',
    fault: say`a placeholder is \${NAME}, \${NAME:-default} or \${file:/path}`,
  }
}
