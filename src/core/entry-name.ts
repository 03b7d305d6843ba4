/** What an entry that every node tells about itself is called on one of them: `host@web-1`. */
export function nameOn(entry: string, node: string): string {
  return `${entry}@${node}`
}

/** The name that stands in the configuration: `host` of `host@web-1`. The names of nodes hold no `@`. */
export function baseNameOf(entry: string): string {
  const at = entry.lastIndexOf('@')
  return at > 0 ? entry.slice(0, at) : entry
}
