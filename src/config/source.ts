import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml'

/** Where a value stands: the keys and indexes that lead to it. */
export type Path = readonly PropertyKey[]

/** A parsed configuration file that knows where its values stand. */
export interface Source {
  /** The file, as people should be told of it. */
  readonly file: string
  /** Relative paths of the file start here. */
  readonly folder: string
  readonly text: string
  readonly document: Document
  /** The line and column of an offset, from 1. */
  placeOf(offset: number): { readonly line: number; readonly column: number }
  /** The node at a path; null where nothing is written there. */
  nodeAt(path: Path): Node | null
  /** The key that ends a path; null where no such key is written. */
  keyAt(path: Path): Node | null
}

/** A source whose aliases point to these nodes. */
export function sourceOf(
  file: { readonly name: string; readonly folder: string; readonly text: string },
  document: Document,
  lines: LineCounter,
  anchors: ReadonlyMap<Node, Node>,
): Source {
  const follow = (node: unknown): Node | null => {
    if (!isNode(node)) return null
    return isAlias(node) ? (anchors.get(node) ?? null) : node
  }
  const known = new Map<YAMLMap, ReadonlyMap<string, Pair>>()
  const pairIn = (map: YAMLMap, key: PropertyKey): Pair | null => {
    const pairs = known.get(map) ?? pairsOf(map, follow)
    known.set(map, pairs)
    return pairs.get(String(key)) ?? null
  }
  const pairAt = (path: Path): Pair | null => {
    const parent = nodeAt(path.slice(0, -1))
    const key = path.at(-1)
    return isMap(parent) && key !== undefined ? pairIn(parent, key) : null
  }
  const nodeAt = (path: Path): Node | null => {
    let node = follow(document.contents)
    for (const step of path) {
      if (isMap(node)) node = follow(pairIn(node, step)?.value)
      else if (isSeq(node)) node = follow(node.items[Number(step)])
      else return null
    }
    return node
  }
  return {
    file: file.name,
    folder: file.folder,
    text: file.text,
    document,
    placeOf(offset) {
      const { line, col } = lines.linePos(offset)
      return { line, column: col }
    },
    nodeAt,
    keyAt: (path) => follow(pairAt(path)?.key),
  }
}

/** The pairs of a map by key: those that it takes over from others by `<<`, and over them its own. */
function pairsOf(map: YAMLMap, follow: (node: unknown) => Node | null): ReadonlyMap<string, Pair> {
  const merged = map.items.filter(isMerge).flatMap((pair) => mapsIn(follow(pair.value), follow))
  const pairs = new Map(merged.reverse().flatMap((other) => [...pairsOf(other, follow)]))
  for (const pair of map.items) {
    if (isScalar(pair.key) && !isMerge(pair)) pairs.set(String(pair.key.value), pair)
  }
  return pairs
}

function mapsIn(node: Node | null, follow: (node: unknown) => Node | null): YAMLMap[] {
  const nodes = isSeq(node) ? node.items.map(follow) : [node]
  return nodes.filter((inner) => isMap(inner))
}

function isMerge({ key }: Pair): boolean {
  if (!isScalar(key)) return false
  const { value } = key as Scalar
  return value === '<<' || (typeof value === 'symbol' && value.description === '<<')
}
