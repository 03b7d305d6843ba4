/**
 * The version in a text: the first group of `pattern` (or all that it matches), else the first number with a dot in
 * it, else the first number. Null where there is none.
 */
export function findVersion(text: string, pattern: RegExp | undefined): string | null {
  if (pattern !== undefined) {
    const found = pattern.exec(text)
    return found === null ? null : (found[1] ?? found[0]).trim().slice(0, longest)
  }
  const [found] = dotted.exec(text) ?? lone.exec(text) ?? []
  return found?.slice(0, longest) ?? null
}

const longest = 40

const dotted = /\d+(?:\.\d+)+(?:[-+~][\w.+~-]+)?/
const lone = /\d+/
