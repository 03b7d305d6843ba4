const inspected = Symbol.for('nodejs.util.inspect.custom')

/** A password or token. It shows itself as `***` wherever it is printed; only `reveal()` gives it away. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [inspected](): string {
    return '***'
  }
}

/** Takes known secrets, URL credentials and `password=...` out of a text. */
export type Redact = (text: string) => string

/**
 * A redactor that knows these secrets in raw, URL-encoded and base64 form. Secrets under four characters are left
 * out: replacing them would shred ordinary words.
 */
export function createRedactor(secrets: Iterable<string> = []): Redact {
  const forms = new Set<string>()
  for (const secret of secrets) {
    if (secret.length < 4) continue
    for (const form of [secret, encodeURIComponent(secret), ...base64Forms(secret)]) forms.add(form)
  }
  const known = [...forms].sort((a, b) => b.length - a.length)
  return (text) => {
    let clean = text
    for (const form of known) clean = clean.replaceAll(form, '***')
    return clean
      .replace(/:\/\/[^/@\s]*@/g, '://***@')
      .replace(
        /((?:pass(?:word|wd)?|pwd|token|secret|api[-_]?key|authorization)["']?\s*[:=]\s*)\S+/gi,
        '$1***',
      )
  }
}

/** Base64 of `user:secret` begins at any of three offsets; the middle of each form is the same for every user. */
function base64Forms(secret: string): string[] {
  return [0, 1, 2]
    .map((offset) => {
      const encoded = Buffer.from('x'.repeat(offset) + secret).toString('base64')
      const start = offset === 0 ? 0 : 4
      return encoded.slice(start, encoded.length - 4)
    })
    .filter((form) => form.length >= 6)
}

/** Every secret that stands anywhere inside a parsed value. */
export function findSecrets(value: unknown, found = new Set<string>()): Set<string> {
  if (value instanceof Secret) found.add(value.reveal())
  else if (Array.isArray(value)) for (const item of value) findSecrets(item, found)
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) findSecrets(item, found)
  }
  return found
}
