import { type Document, type ErrorCode, Scalar, visit, type YAMLError } from 'yaml'
import { say, type Text } from '../core/text.ts'

export interface SyntaxFault {
  readonly offset: number
  readonly message: Text
  readonly hint?: Text | undefined
}

/** What is wrong with the YAML: of several faults in one line the first, since the others follow from it. */
export function syntaxFaults(
  errors: readonly YAMLError[],
  document: Document,
  text: string,
): readonly SyntaxFault[] {
  const open = errors.some(({ code }) => code === 'MISSING_CHAR') ? openQuote(document, text) : null
  if (open !== null)
    return [{ offset: open, message: say`not valid YAML: this text in quotes is not closed` }]
  const seen = new Set<string>()
  return [...errors]
    .sort((a, b) => a.pos[0] - b.pos[0])
    .filter(({ code, pos }) => {
      const line = code === 'RESOURCE_EXHAUSTION' || code === 'MULTIPLE_DOCS' ? code : lineStart(text, pos[0])
      const isFirst = !seen.has(String(line))
      seen.add(String(line))
      return isFirst
    })
    .slice(0, most)
    .map((error) => syntaxFault(error, text))
}

/** More than these are one misunderstanding repeated. */
const most = 10

function syntaxFault({ code, pos: [offset] }: YAMLError, text: string): SyntaxFault {
  const line = text.slice(lineStart(text, offset)).split('\n', 1)[0] ?? ''
  if (code === 'UNEXPECTED_TOKEN' && /[{,[][^"']*\$\{/.test(line)) {
    return {
      offset,
      message: messages.UNEXPECTED_TOKEN,
      hint: say`inside { } and [ ] write "\${NAME}" in quotes`,
    }
  }
  return { offset, message: messages[code], hint: hints[code] }
}

/** Where a text in quotes begins that has no end: it takes the rest of the file with it. */
function openQuote(document: Document, text: string): number | null {
  let start: number | null = null
  visit(document, {
    Scalar(_key, { type, range }) {
      if (range == null || (type !== Scalar.QUOTE_DOUBLE && type !== Scalar.QUOTE_SINGLE)) return undefined
      const written = text.slice(range[0], range[1]).trimEnd()
      if (written.length > 1 && written.at(-1) === written[0]) return undefined
      start = range[0]
      return visit.BREAK
    },
  })
  return start
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

/** YAML's faults in words that never quote the text, which the library's own messages do. */
const messages: Readonly<Record<ErrorCode, Text>> = {
  ALIAS_PROPS: say`not valid YAML: an alias cannot have a tag or an anchor`,
  BAD_ALIAS: say`not valid YAML: the alias has no name`,
  BAD_COLLECTION_TYPE: say`not valid YAML: the tag does not fit the value`,
  BAD_DIRECTIVE: say`not valid YAML: unknown directive`,
  BAD_DQ_ESCAPE: say`not valid YAML: unknown escape in a text in double quotes`,
  BAD_INDENT: say`not valid YAML: the indentation does not fit, or a bracket is not closed`,
  BAD_PROP_ORDER: say`not valid YAML: an anchor or a tag stands in the wrong place`,
  BAD_SCALAR_START: say`not valid YAML: a text cannot begin with this character`,
  BLOCK_AS_IMPLICIT_KEY: say`not valid YAML: a second ":" in one line, or wrong indentation`,
  BLOCK_IN_FLOW: say`not valid YAML: a list or mapping by lines inside { } or [ ]`,
  DUPLICATE_KEY: say`the same key is written twice`,
  IMPOSSIBLE: say`not valid YAML`,
  KEY_OVER_1024_CHARS: say`not valid YAML: a key of more than 1024 characters`,
  MISSING_CHAR: say`not valid YAML: a bracket or a ":" is missing`,
  MULTILINE_IMPLICIT_KEY: say`not valid YAML: a ":" is missing, or the indentation is wrong`,
  MULTIPLE_ANCHORS: say`not valid YAML: two anchors on one value`,
  MULTIPLE_DOCS: say`a second document begins here, where one is wanted`,
  MULTIPLE_TAGS: say`not valid YAML: two tags on one value`,
  NON_STRING_KEY: say`a key must be a text`,
  RESOURCE_EXHAUSTION: say`nested too deeply`,
  TAB_AS_INDENT: say`a tab where YAML wants spaces`,
  TAG_RESOLVE_FAILED: say`unknown tag`,
  UNEXPECTED_TOKEN: say`not valid YAML: this cannot stand here`,
}

const hints: Partial<Readonly<Record<ErrorCode, Text>>> = {
  BAD_SCALAR_START: say`write it in quotes`,
  BLOCK_AS_IMPLICIT_KEY: say`write a text that holds ": " in quotes`,
  MULTIPLE_DOCS: say`remove the line ---`,
  TAB_AS_INDENT: say`indent by two spaces`,
  TAG_RESOLVE_FAILED: say`remove the tag`,
}
