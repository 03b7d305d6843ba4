import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml'
import { say } from '../core/text.ts'
import { type Findings, findingsIn } from './findings.ts'
import { type Source, sourceOf } from './source.ts'
import { syntaxFaults } from './syntax.ts'

/** A configuration as text, with the name people know its file by and the folder that its paths are relative to. */
export interface ConfigText {
  readonly name: string
  readonly folder: string
  readonly text: string
}

export interface Parsed {
  readonly source: Source
  readonly findings: Findings
  /** Whether it is YAML, so that what it says can be looked at. */
  readonly isUsable: boolean
}

/** The text as YAML 1.2 with `<<`, and what is wrong with it as such. */
export function parse(file: ConfigText): Parsed {
  const lines = new LineCounter()
  const document = parseDocument(file.text, {
    lineCounter: lines,
    logLevel: 'error',
    merge: true,
    prettyErrors: false,
    stringKeys: true,
    // It looks at each pair of keys: too slow for a large mapping. Twins are looked for below.
    uniqueKeys: false,
  })
  const { anchors, astray, twins } = survey(document)
  const source = sourceOf(file, document, lines, anchors)
  const findings = findingsIn(source)
  const troubles = [...document.errors, ...document.warnings]
  for (const { offset, message, hint } of syntaxFaults(troubles, document, file.text)) {
    findings.atOffset(offset, message, { hint })
  }
  for (const alias of astray) {
    findings.atOffset(
      alias.range?.[0] ?? 0,
      say`the alias names no anchor before it, or one that it stands in`,
    )
  }
  for (const key of twins) {
    const hint = say`keep one of them`
    findings.atOffset(key.range?.[0] ?? 0, say`the key "${String(key.value)}" is written twice`, { hint })
  }
  return { source, findings, isUsable: astray.length === 0 && troubles.length === 0 }
}

interface Survey {
  /** What each alias stands for. */
  readonly anchors: ReadonlyMap<Node, Node>
  /** Aliases that stand for nothing, or for something that holds them. */
  readonly astray: readonly Node[]
  /** Keys that are in their mapping already. */
  readonly twins: readonly Scalar[]
}

function survey(document: Document): Survey {
  const named = new Map<string, Node>()
  const anchors = new Map<Node, Node>()
  const astray: Node[] = []
  const twins: Scalar[] = []
  visit(document, {
    Value(_key, node) {
      if (node.anchor !== undefined) named.set(node.anchor, node)
      if (isMap(node)) twins.push(...twinsIn(node))
    },
    Alias(_key, alias, path) {
      const target = named.get(alias.source)
      if (target === undefined || path.includes(target)) astray.push(alias)
      else anchors.set(alias, target)
    },
  })
  return { anchors, astray, twins }
}

function twinsIn({ items }: YAMLMap): readonly Scalar[] {
  const keys = items.map(({ key }) => key).filter((key) => isScalar(key) && typeof key.value === 'string')
  const seen = new Set<unknown>()
  return (keys as Scalar[]).filter(({ value }) => seen.size === seen.add(value).size)
}
