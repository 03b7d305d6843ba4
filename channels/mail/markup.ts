/** A piece of HTML that may stand in a page as it is. */
export interface Markup {
  readonly html: string
}

/** Tags HTML: every string put into it is escaped, for text and for quoted attributes; `Markup` is taken as it is. */
export function markup(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  const parts = strings.map((string, index) => string + htmlOf(pieces[index] ?? ''))
  return { html: parts.join('') }
}

export type Piece = string | Markup | readonly Markup[]

/** The text with its line ends kept. */
export function linesOf(text: string): Markup {
  return { html: escaped(text).replaceAll('\n', '<br>') }
}

function htmlOf(piece: Piece): string {
  if (typeof piece === 'string') return escaped(piece)
  return 'html' in piece ? piece.html : piece.map(({ html }) => html).join('')
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
