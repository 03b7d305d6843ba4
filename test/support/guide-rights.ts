import type { Guide } from '../../src/core/story.ts'

/**
 * The commands that a story's guide gives for the rights of its user, with a password: those below the comment that
 * begins so, or above the first one.
 */
export function rightsOf(guide: Guide | undefined, password: string, comment = ''): readonly string[] {
  const sections = new Map<string, string[]>([['', []]])
  let current: string[] = sections.get('') ?? []
  for (const line of (guide?.rights ?? '').split('\n').filter((line) => line !== '')) {
    const [, begins] = /^(?:#|--) (.*)$/.exec(line) ?? []
    if (begins === undefined) current.push(line.replaceAll('PASSWORD', password))
    else {
      current = []
      sections.set(begins, current)
    }
  }
  const found = [...sections].find(([begins]) =>
    comment === '' ? begins === '' : begins.startsWith(comment),
  )
  if (found === undefined || found[1].length === 0) throw new Error(`the guide gives no rights "${comment}"`)
  return found[1]
}

/** The words of a command as a shell takes them. */
export function wordsOf(command: string): readonly [string, ...string[]] {
  const [first = '', ...rest] = (command.match(/'[^']*'|\S+/g) ?? []).map((word) =>
    word.replace(/^'(.*)'$/, '$1'),
  )
  return [first, ...rest]
}
