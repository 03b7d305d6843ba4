import { resolve } from 'node:path'
import { isScalar, type Scalar, visit } from 'yaml'
import { say, type Text } from '../core/text.ts'
import type { Findings, More } from './findings.ts'
import { type Placeholder, placeholdersIn } from './placeholder.ts'
import { readText, Unreadable } from './read-text.ts'
import type { Path, Source } from './source.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A piece of a text: written in the file, or put in for a placeholder. */
export interface Piece {
  readonly text: string
  readonly from: 'file' | 'environment' | 'secret-variable' | 'secret-file'
}

/** What placeholders put into the texts of a file. */
export interface Substituted {
  /** The pieces of the text at a path; null where no placeholder stands in it. */
  piecesAt(path: Path): readonly Piece[] | null
  /** What came out of the environment and out of files: it may be secret. */
  readonly values: ReadonlySet<string>
  /** What came out of files, or of variables whose names say so: it is secret. */
  readonly secrets: ReadonlySet<string>
}

/**
 * Puts environment variables and files in the place of `${NAME}`, `${NAME:-default}` and `${file:/path}`, in the
 * parsed texts, so that no value can change the structure and positions stay true. `$${` stands for `${`.
 */
export async function substitute(source: Source, env: Environment, findings: Findings): Promise<Substituted> {
  const pieces = new Map<Scalar, readonly Piece[]>()
  const texts: [Scalar, string][] = []
  visit(source.document, {
    Scalar(key, node) {
      if (key !== 'key' && typeof node.value === 'string' && node.value.includes('${'))
        texts.push([node, node.value])
    },
  })
  for (const [scalar, text] of texts) {
    const filled = await fill(scalar, text, { source, env, findings })
    pieces.set(scalar, filled)
    scalar.value = filled.map((piece) => piece.text).join('')
  }
  const all = [...pieces.values()].flat()
  return {
    piecesAt(path) {
      const node = source.nodeAt(path)
      return isScalar(node) ? (pieces.get(node) ?? null) : null
    },
    values: textsOf(all.filter(({ from }) => from !== 'file')),
    secrets: textsOf(all.filter(({ from }) => from === 'secret-file' || from === 'secret-variable')),
  }
}

interface Context {
  readonly source: Source
  readonly env: Environment
  readonly findings: Findings
}

async function fill(scalar: Scalar, text: string, context: Context): Promise<readonly Piece[]> {
  const pieces: Piece[] = []
  const [start, end] = scalar.range ?? [0, 0]
  let from = start
  for (const part of placeholdersIn(text)) {
    if (typeof part === 'string') {
      pieces.push({ text: part, from: 'file' })
      continue
    }
    // Escapes and folding may hide how it is written: then it is told of at the start of its text.
    const found = context.source.text.indexOf(part.written, from)
    const isFound = found !== -1 && found < end
    if (isFound) from = found + part.written.length
    pieces.push(await pieceFor(part, isFound ? found : start, start, context))
  }
  return pieces
}

async function pieceFor(
  part: Placeholder,
  offset: number,
  start: number,
  { source, env, findings }: Context,
): Promise<Piece> {
  const fail = (message: Text, more?: More): Piece => {
    findings.atOffset(offset, message, more)
    findings.mute(start)
    return { text: '', from: 'file' }
  }
  if (part.kind === 'malformed') {
    return fail(part.fault, { hint: say`write "$\${" where no placeholder is meant` })
  }
  if (part.kind === 'variable') {
    const value = env[part.name]
    if (value !== undefined && (value !== '' || part.fallback === null))
      return { text: value, from: soundsSecret(part.name) ? 'secret-variable' : 'environment' }
    if (part.fallback !== null) return { text: part.fallback, from: 'file' }
    const hint = say`set it, or give a default: ${`\${${part.name}:-default}`}`
    const misspelt = { word: part.name, known: Object.keys(env), isShort: false }
    return fail(say`the environment variable ${part.name} is not set`, { hint, misspelt })
  }
  try {
    const text = await readText(resolve(source.folder, part.path), mostSecretBytes)
    return { text: text.replace(/\r?\n$/, ''), from: 'secret-file' }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return fail(say`the file ${part.path} ${error.reason}`)
  }
}

/** `DB_PASSWORD`, `HOOK_TOKEN`, `API_KEY`... */
function soundsSecret(variable: string): boolean {
  return /(^|_)(PASS|PASSWD|PASSWORD|PWD|TOK|TOKEN|SECRET|KEY|APIKEY|CREDENTIALS?|AUTH)(_|$)/i.test(variable)
}

const mostSecretBytes = 65_536

function textsOf(pieces: readonly Piece[]): ReadonlySet<string> {
  return new Set(pieces.map(({ text }) => text).filter((text) => text !== ''))
}
