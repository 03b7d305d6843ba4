/** One figure of a program. */
export interface Datum {
  readonly label: string
  /** Null where the program could not tell it (`U`). */
  readonly value: number | null
  readonly unit: string
}

/**
 * What a plugin of Nagios prints after a `|`: in its first line, and again after one in any later line up to the end.
 * Null where a part of it is no figure. https://www.monitoring-plugins.org/doc/guidelines.html#AEN201
 */
export function parsePerfdata(output: string): readonly Datum[] | null {
  const data: Datum[] = []
  let rest = perfdataOf(output).trim()
  while (rest !== '') {
    const [whole, quoted, plain = '', value = '', unit = ''] = datum.exec(rest) ?? []
    if (whole === undefined) return null
    const label = quoted === undefined ? plain : quoted.replaceAll("''", "'")
    data.push({ label, value: value === 'U' ? null : Number(value.replace(',', '.')), unit })
    rest = rest.slice(whole.length).trim()
  }
  return data
}

// Its own thresholds and bounds follow; they are for graphs.
const datum =
  /^(?:'((?:[^']|'')+)'|([^\s'=]+))=(U|[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)([^\s;\d]*)(?:;[^\s;]*){0,4}(?=\s|$)/

function perfdataOf(output: string): string {
  const [first = '', ...others] = output.split('\n')
  const [, ofFirst = ''] = cut(first)
  const [, ofOthers = ''] = cut(others.join('\n'))
  return `${ofFirst} ${ofOthers}`
}

/** What people read of the output: all before the figures. */
export function wordsOf(output: string): { readonly line: string; readonly more: string } {
  const [first = '', ...others] = output.split('\n')
  return { line: plain(cut(first)[0]), more: plain(cut(others.join('\n'))[0], true) }
}

function cut(text: string): [string, string?] {
  const at = text.indexOf('|')
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

/** Without colours and other commands to a terminal. */
function plain(text: string, keepsLines = false): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it takes out
  const clean = text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replace(/[\x00-\x09\x0b-\x1f\x7f]/g, ' ')
  return (keepsLines ? clean : clean.replaceAll('\n', ' ')).trim()
}
