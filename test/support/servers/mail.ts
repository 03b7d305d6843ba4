/** Reads a mail as it came over the wire: enough for a test to ask what a person would see. */
export function readMail(raw: string): Message {
  const { headers, body } = split(raw)
  return {
    raw,
    header: (name) => headers.get(name.toLowerCase()) ?? null,
    text: decodePart(raw, 'text/plain') ?? body,
    html: decodePart(raw, 'text/html'),
  }
}

export interface Message {
  readonly raw: string
  /** The value of a header, unfolded and decoded; null if there is none of that name. */
  header(name: string): string | null
  /** The decoded plain text. */
  readonly text: string
  /** The decoded HTML, null if there is none. */
  readonly html: string | null
}

/** A message with what its envelope and its connection said. */
export interface Mail extends Message {
  readonly from: string
  readonly to: readonly string[]
  /** Whether it came over TLS. */
  readonly secure: boolean
  /** Who had logged in, null for nobody. */
  readonly user: string | null
}

function split(part: string): { headers: ReadonlyMap<string, string>; body: string } {
  const end = part.indexOf('\r\n\r\n')
  const head = end === -1 ? part : part.slice(0, end)
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), decodeWords(line.slice(colon + 1).trim())]
  })
  return { headers: new Map(headers), body: end === -1 ? '' : part.slice(end + 4) }
}

/** RFC 2047; the white space between two encoded words is not part of the text. */
function decodeWords(value: string): string {
  const word = /=\?([^?]+)\?([BQ])\?([^?]*)\?=/gi
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(word, (_, charset: string, encoding: string, text: string) => {
      const bytes =
        encoding.toUpperCase() === 'B'
          ? Buffer.from(text, 'base64')
          : quotedPrintable(text.replaceAll('_', ' '))
      return new TextDecoder(charset).decode(bytes)
    })
}

/** The first part of the type, looked for in the parts of parts too. */
function decodePart(part: string, type: string): string | null {
  const { headers, body } = split(part)
  const contentType = headers.get('content-type') ?? 'text/plain'
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1]
  if (boundary !== undefined) {
    const parts = body.split(`--${boundary}`).slice(1, -1)
    return (
      parts.map((each) => decodePart(each.replace(/^\r\n/, ''), type)).find((found) => found !== null) ?? null
    )
  }
  if (!contentType.toLowerCase().startsWith(type)) return null
  return decodeBody(body, headers.get('content-transfer-encoding')?.toLowerCase())
}

function decodeBody(body: string, encoding: string | undefined): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  if (encoding === 'quoted-printable') return quotedPrintable(body.replace(/=\r\n/g, '')).toString()
  return body
}

function quotedPrintable(text: string): Buffer {
  const bytes = text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1')
}
