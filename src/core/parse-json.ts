/** The document; undefined, which no shape accepts, where it is no JSON. The error would quote the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
