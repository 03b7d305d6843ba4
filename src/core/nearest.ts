/** The known word that was probably meant; null where none is near. */
export async function nearest(word: string, known: readonly string[]): Promise<string | null> {
  // Only a mistake needs it.
  const { closestMatch } = await import('leven')
  const small = word.toLowerCase()
  const candidates = new Map(known.map((name) => [name.toLowerCase(), name]))
  const near =
    closestMatch(small, [...candidates.keys()], { maxDistance: Math.ceil(word.length / 3) }) ??
    [...candidates.keys()].find((name) => small.length > 2 && name.startsWith(small))
  return near === undefined ? null : (candidates.get(near) ?? null)
}
