import { isScalar, type Node } from 'yaml'
import { english, render, type Text } from '../core/text.ts'
import { byPosition, type ConfigFault } from './fault.ts'
import type { Path, Source } from './source.ts'
import { type Misspelt, suggest } from './suggest.ts'

export interface More {
  readonly hint?: Text | undefined
  /** The hint is the known word that is nearest. */
  readonly misspelt?: Misspelt | undefined
}

/** What was found wrong so far. Looking goes on after each fault, so that all of them are told at once. */
export interface Findings {
  /** A fault of the value at a path, or of the nearest thing above it that is written. */
  at(path: Path, message: Text, more?: More): void
  /** A fault of the key that ends a path. */
  atKey(path: Path, message: Text, more?: More): void
  atOffset(offset: number, message: Text, more?: More): void
  /** Says no more of the value that begins here: its fault is told, and others would only follow from it. */
  mute(offset: number): void
  /** A fault of another file. */
  add(fault: ConfigFault): void
  readonly count: number
  /** All of them with their suggestions, each once, in the order of the file. */
  all(): Promise<readonly ConfigFault[]>
}

export function findingsIn(source: Source): Findings {
  const found: { readonly fault: ConfigFault; readonly misspelt?: Misspelt | undefined }[] = []
  const atOffset: Findings['atOffset'] = (offset, message, { hint, misspelt } = {}) => {
    const fault = {
      file: source.file,
      ...source.placeOf(offset),
      message,
      ...(hint !== undefined && { hint }),
    }
    found.push({ fault, misspelt })
  }
  const muted = new Set<number>()
  return {
    at(path, message, more) {
      const offset = offsetOf(source, path)
      if (!muted.has(offset)) atOffset(offset, message, more)
    },
    atKey: (path, message, more) =>
      atOffset(startOf(source.keyAt(path)) ?? offsetOf(source, path), message, more),
    atOffset,
    mute: (offset) => void muted.add(offset),
    add: (fault) => void found.push({ fault }),
    get count() {
      return found.length
    },
    async all() {
      const faults = await Promise.all(
        found.map(async ({ fault, misspelt }) => {
          const hint = misspelt === undefined ? null : await suggest(misspelt)
          return hint === null ? fault : { ...fault, hint }
        }),
      )
      return [...new Map(faults.map((fault) => [identity(fault), fault])).values()].sort(byPosition)
    },
  }
}

/** The start of the value at a path. A value left empty is told of at its key, one not written at what it lacks in. */
function offsetOf(source: Source, path: Path): number {
  for (let end = path.length; end >= 0; end--) {
    const upTo = path.slice(0, end)
    const node = source.nodeAt(upTo)
    if (node === null) continue
    const isBlank = isScalar(node) && node.value === null && node.source === ''
    return startOf(isBlank ? (source.keyAt(upTo) ?? node) : node) ?? 0
  }
  return 0
}

function startOf(node: Node | null): number | undefined {
  return node?.range?.[0]
}

/** Entries made of one text by `each` share their faults. */
function identity({ file, line, column, message }: ConfigFault): string {
  return `${file}:${line}:${column} ${render(message, english)}`
}
