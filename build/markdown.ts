/** Words as Markdown shows them as they are, in a line that begins with something else or in a cell of a table. */
export function plain(text: string): string {
  return oneLine(text).replace(/[\\`*[\]<>|~&$]|(?<!\w)_|_(?!\w)/g, '\\$&')
}

/** What stands in a configuration or on a command line. */
export function code(text: string): string {
  const line = oneLine(text)
  // In a cell a bar ends the cell, even in code, where the backslash that keeps it could be taken for a part of it.
  if (line.includes('\\|'))
    return `<code>${line.replace(/[^\w ]/gu, (sign) => `&#${sign.codePointAt(0)};`)}</code>`
  const fence = '`'.repeat(longestRun(line) + 1)
  const room = /^`|`$/.test(line) ? ' ' : ''
  return `${fence}${room}${line.replaceAll('|', '\\|')}${room}${fence}`
}

/** A block to be copied. */
export function block(language: string, text: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1))
  return `${fence}${language}\n${text}\n${fence}`
}

/** A table, its columns aligned but the last, which holds the longest words. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[], filler = ' ') =>
    `| ${cells.map((cell, column) => (column < head.length - 1 ? cell.padEnd(widths[column] ?? 0, filler) : cell)).join(' | ')} |`
  const rule = line(
    head.map(() => '---'),
    '-',
  )
  return [line(head), rule, ...rows.map((row) => line(row))].join('\n')
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length))
}
